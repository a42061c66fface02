"""One cloud and one pair of tenants for all; what a test breaks, it breaks in an account of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from platform_driver import PLATFORM, Platform
from real_cloud import LocalCloud
from secret_search import ProcessList


@pytest.fixture(scope="session")
def state(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of all stacks, with that of the platform, which is up."""
    folder = tmp_path_factory.mktemp("state")
    shared = Platform(cloud, tmp_path_factory.mktemp("platform"), folder, cloud.token)
    assert shared.up(PLATFORM)[PLATFORM]["succeeded"], "tenants need the platform"
    return folder


@pytest.fixture(scope="session")
def account(
    cloud: LocalCloud, state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Platform]:
    """A new account of the cloud; `droplet_limit` is its quota."""

    def make(name: str, droplet_limit: int = 200) -> Platform:
        answer = httpx.post(
            f"{cloud.url}/_local/accounts",
            headers={"Authorization": f"Bearer {cloud.token}"},
            json={"name": name, "droplet_limit": droplet_limit},
            timeout=60,
        )
        assert answer.is_success, f"no account {name}: {answer.text}"
        return Platform(cloud, tmp_path_factory.mktemp(name), state, answer.json()["token"])

    return make


@pytest.fixture(scope="session")
def watched() -> Iterator[ProcessList]:
    """Every command line that was seen while the tenants came up, and since."""
    with ProcessList() as seen:
        yield seen


@pytest.fixture(scope="session")
def deployed(account: Callable[..., Platform], watched: ProcessList) -> Iterator[Platform]:
    """The two tenants that come with the repo, up; `watched` from before they were."""
    del watched
    platform = account("deployed")
    for tenant in ("acme", "globex"):
        platform.copy_spec(tenant)
    report = platform.up("acme", "globex")
    assert all(result["succeeded"] for result in report.values()), "both tenants come up"
    yield platform
    platform.stacks("destroy", "acme", "globex")
    for tenant in ("acme", "globex"):
        assert not platform.things(tenant), "destroy leaves the account empty"
        assert not platform.devices(tenant), "and the tailnet"
