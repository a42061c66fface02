import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    running = RunningCloud(tmp_path_factory.mktemp("cloud"), "dop_v1_" + secrets.token_hex(32))
    yield running
    running.stop()


@pytest.fixture
def cloud(shared_cloud: RunningCloud) -> Iterator[RunningCloud]:
    """An empty cloud: what the last test left is reset, real things and all."""
    yield shared_cloud
    shared_cloud.hypervisor.recover()
    answer = shared_cloud.http().post("/_local/reset")
    assert answer.status_code == 204, answer.text
    assert shared_cloud.hypervisor.is_empty, "a reset leaves nothing real"
    shared_cloud.hypervisor.deeds.clear()


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[Callable[..., RunningCloud]]:
    """Starts clouds of the test's own on one state file, one after another, and stops them."""
    started: list[RunningCloud] = []
    token = "dop_v1_" + secrets.token_hex(32)

    def start(**options: Any) -> RunningCloud:
        started.append(RunningCloud(tmp_path, token, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def hypervisor(cloud: RunningCloud) -> RecordingHypervisor:
    return cloud.hypervisor


@pytest.fixture
def http(cloud: RunningCloud) -> httpx.Client:
    return cloud.http()


@pytest.fixture
def client(cloud: RunningCloud) -> Any:
    return cloud.pydo()
