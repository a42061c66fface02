"""One cloud and one pair of tenants for all; what a test breaks, it breaks in an account of its own."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from platform_driver import Platform
from real_cloud import LocalCloud


@pytest.fixture(scope="session")
def account(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Platform]:
    """A new account of the cloud; `droplet_limit` is its quota."""

    def make(name: str, droplet_limit: int = 200) -> Platform:
        answer = httpx.post(
            f"{cloud.url}/_local/accounts",
            headers={"Authorization": f"Bearer {cloud.token}"},
            json={"name": name, "droplet_limit": droplet_limit},
            timeout=60,
        )
        assert answer.is_success, f"no account {name}: {answer.text}"
        return Platform(cloud=cloud, folder=tmp_path_factory.mktemp(name), token=answer.json()["token"])

    return make


@pytest.fixture(scope="session")
def deployed(account: Callable[..., Platform]) -> Iterator[Platform]:
    """The two tenants that come with the repo, up."""
    platform = account("deployed")
    for tenant in ("acme", "globex"):
        platform.copy_spec(tenant)
    report = platform.up("acme", "globex")
    assert all(result["succeeded"] for result in report.values()), "both tenants come up"
    yield platform
    platform.stacks("destroy", "acme", "globex")
    assert not platform.things("acme") + platform.things("globex"), "destroy leaves the account empty"
