import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from digitalocean_fake import FakeApi, serve_fake
from plugin_client import Plugin
from real_sshd import SshServer, make_key, serve_ssh
from tailscale_fake import FakeTailnet, serve_tailnet

from toolchain.plugins.base.facts import load
from toolchain.plugins.command.provider import Command
from toolchain.plugins.digitalocean.provider import DigitalOcean
from toolchain.plugins.tailscale.provider import Tailscale

# The APIs of the local cloud, over what only records, belong to those parts' own tests.
for part in ("digitalocean", "tailscale"):
    sys.path.append(str(Path(__file__).parents[2] / "local_cloud" / part))


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
def tailnet() -> Iterator[FakeTailnet]:
    with serve_tailnet() as api:
        yield api


@pytest.fixture
def unconfigured_tailscale() -> Iterator[Plugin]:
    plugin = Plugin(Tailscale(load("tailscale"), "0.29.2"))
    yield plugin
    plugin.close()


@pytest.fixture
def tailscale(unconfigured_tailscale: Plugin, tailnet: FakeTailnet) -> Plugin:
    unconfigured_tailscale.configure(apiKey=tailnet.api_key, baseUrl=tailnet.url)
    return unconfigured_tailscale


@pytest.fixture
def command() -> Iterator[Plugin]:
    plugin = Plugin(Command(load("command"), "1.2.1"))
    plugin.configure()
    yield plugin
    plugin.close()


@pytest.fixture
def password() -> str:
    return secrets.token_urlsafe(16)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshServer]:
    with serve_ssh(tmp_path) as server:
        yield server


@pytest.fixture
def key(host: SshServer, tmp_path: Path) -> str:
    """A private key that the host trusts."""
    text = make_key(tmp_path / "user")
    host.trust((tmp_path / "user.pub").read_text())
    return text


@pytest.fixture
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
