from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from recording_coordination import RecordingCoordination
from running_tailnet import RunningTailnet

from local_cloud.tailscale.ids import new_api_key


@pytest.fixture(scope="session")
def shared_tailnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTailnet]:
    running = RunningTailnet(tmp_path_factory.mktemp("tailnet"), RecordingCoordination(), new_api_key())
    yield running
    running.stop()


@pytest.fixture
def tailnet(shared_tailnet: RunningTailnet) -> Iterator[RunningTailnet]:
    """A tailnet as it is at first: what the last test left is reset, members and all."""
    yield shared_tailnet
    shared_tailnet.coordination.recover()
    shared_tailnet.reset()
    assert shared_tailnet.coordination.nodes == {}, "a reset leaves no member that the tailnet let in"
    shared_tailnet.coordination.forget()


@pytest.fixture
def coordination(tailnet: RunningTailnet) -> RecordingCoordination:
    return tailnet.coordination


@pytest.fixture
def start_tailnet(tmp_path: Path) -> Iterator[Callable[[], RunningTailnet]]:
    """Starts tailnets of the test's own on one state, one after another, and stops them."""
    running: list[RunningTailnet] = []
    coordination, api_key = RecordingCoordination(), new_api_key()

    def start() -> RunningTailnet:
        running.append(RunningTailnet(tmp_path, coordination, api_key))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def http(tailnet: RunningTailnet) -> httpx.Client:
    """The API with an empty tailnet, called by its owner."""
    return tailnet.http


@pytest.fixture
def tagged(http: httpx.Client) -> httpx.Client:
    """The API, with a policy that lets `tag:a` reach `tag:b`; `tag:a` owns `tag:c`."""
    policy = {
        "tagOwners": {"tag:a": [], "tag:b": [], "tag:c": ["tag:a"]},
        "acls": [{"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22"]}],
    }
    answer = http.post("/tailnet/-/acl", json=policy)
    assert answer.status_code == 200, answer.text
    return http
