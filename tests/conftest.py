"""What tests of every package share: a local cloud of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from real_cloud import LocalCloud, free_port, needs_a_real_machine

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud for the whole session (of this worker, under pytest-xdist)."""
    local_cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), free_port())
    needs_a_real_machine(local_cloud.manifest)
    local_cloud.run("up")
    try:
        yield local_cloud
    finally:
        local_cloud.run("down")


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud for one test alone, not yet up: for tests that kill it."""
    local_cloud = LocalCloud(tmp_path / "cloud", free_port())
    needs_a_real_machine(local_cloud.manifest)
    try:
        yield local_cloud
    finally:
        local_cloud.run("down")
