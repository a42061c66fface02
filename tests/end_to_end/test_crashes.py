"""The engine killed at several moments of an `up`: recovered, one more `up` gives the same every time."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from platform_driver import CRASHES, Platform, kinds_and_names, small_spec, stop_after

pytestmark = pytest.mark.end_to_end

AT_ONCE = 2
TENANTS = tuple(f"crash{moment}" for moment in CRASHES)


@pytest.fixture(scope="module")
def platform(account: Callable[..., Platform]) -> Platform:
    platform = account("crashes")
    for number, tenant in enumerate(TENANTS, start=10):
        platform.write(tenant, small_spec(tenant, number))
    platform.write("calm", small_spec("calm", 9))
    return platform


@pytest.fixture(scope="module")
def undisturbed(platform: Platform) -> list[tuple[str, str]]:
    platform.up("calm")
    return kinds_and_names(platform.things("calm"), "calm")


def _crash_and_recover(platform: Platform, tenant: str, moment: int) -> dict[str, Any]:
    killed = platform.start("python", "-m", "stacks.up", tenant)
    said = "".join(stop_after(killed, moment, signal.SIGKILL))
    recovered = platform.stacks("recover", tenant).stderr
    report = platform.up(tenant)[tenant]
    left = platform.stacks("recover", tenant, "--dry-run").stderr
    found = kinds_and_names(platform.things(tenant), tenant)
    platform.stacks("destroy", tenant)
    return {
        "killed": f"{killed.returncode} {said}",
        "recovered": recovered,
        "up": json.dumps(report),
        "left": left,
        "found": found,
        "remains": [*platform.things(tenant), *platform.devices(tenant)],
    }


@pytest.fixture(scope="module")
def runs(platform: Platform) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """All crashes, a few at once; each test waits for the one that is its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            tenant: pool.submit(_crash_and_recover, platform, tenant, moment)
            for tenant, moment in zip(TENANTS, CRASHES, strict=True)
        }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("tenant", TENANTS)
def test_an_up_that_was_killed_ends_as_an_undisturbed_one(
    runs: dict[str, Future[dict[str, Any]]],
    undisturbed: list[tuple[str, str]],
    tenant: str,
) -> None:
    run = runs[tenant].result()
    assert run["killed"].startswith("1"), f"it was meant to be killed: {run['killed']}"
    assert json.loads(run["up"])["succeeded"], f"{run['up']}\nafter: {run['recovered']}"
    assert run["found"] == undisturbed, f"no orphan, no second copy; recovery said: {run['recovered']}"
    assert "nothing to recover" in run["left"], "state and account agree"
    assert not run["remains"], "and it can be destroyed"


def test_orphans_of_a_lost_state_are_adopted_or_deleted(
    platform: Platform, undisturbed: list[tuple[str, str]]
) -> None:
    before = {thing.name: thing.id for thing in platform.things("calm")}
    platform.pulumi("stack", "rm", "calm", "--yes", "--force", "--preserve-config")
    said = platform.stacks("recover", "calm").stderr
    assert "adopt DatabaseCluster calm-database-pg" in said, "data is kept"
    assert "delete Droplet calm-agent-worker-1" in said, "and said before it is done"
    report = platform.up("calm")["calm"]
    assert report["succeeded"], report["message"]
    after = {thing.name: thing.id for thing in platform.things("calm")}
    assert kinds_and_names(platform.things("calm"), "calm") == undisturbed, "the same result"
    assert after["calm-database-pg"] == before["calm-database-pg"], "it is the same database"
