import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from digitalocean_fake import FakeApi, serve_fake
from plugin_client import Plugin

from toolchain.plugins.base.facts import load
from toolchain.plugins.digitalocean.provider import DigitalOcean

# The API of the local cloud over a hypervisor that only records belongs to that part's own tests.
sys.path.append(str(Path(__file__).parents[2] / "local_cloud" / "digitalocean"))


@pytest.fixture
def cloud() -> Iterator[FakeApi]:
    with serve_fake() as api:
        yield api


@pytest.fixture
def bare() -> Iterator[Plugin]:
    plugin = Plugin(DigitalOcean(load("digitalocean"), "4.84.1"))
    yield plugin
    plugin.close()


@pytest.fixture
def plugin(bare: Plugin, cloud: FakeApi) -> Plugin:
    bare.configure(token=cloud.token, apiEndpoint=cloud.url, httpRetryWaitMin=0.01, httpRetryWaitMax=0.05)
    return bare


@pytest.fixture
def password() -> str:
    return secrets.token_urlsafe(16)
