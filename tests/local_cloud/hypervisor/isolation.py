"""Tests of real machines run as the supervisor does: in namespaces of their own, which leave nothing."""

import functools
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.containers.cgroups import Cgroups

KEY = "TENANTRY_TEST_CGROUPS"
"""In the environment of a test that runs inside: the key of its control groups."""
UNSHARE = ("unshare", "--mount", "--propagation", "private", "--net", "--ipc", "--uts", "--pid")
SECONDS = 240


def isolated(test: Callable[..., None]) -> Callable[..., None]:
    """Run the test, alone, in a pytest of its own inside fresh namespaces. It can't be parametrised."""
    if KEY in os.environ:
        return pytest.mark.end_to_end(_inside(test))

    def outside() -> None:
        if os.geteuid() != 0:
            pytest.skip("machines need root")
        _run_inside(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0])

    outside.__name__, outside.__doc__, outside.__module__ = test.__name__, test.__doc__, test.__module__
    return pytest.mark.end_to_end(outside)


def _run_inside(test: str) -> None:
    key = f"test-{uuid.uuid4().hex[:8]}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [*UNSHARE, "--fork", "--kill-child", "--mount-proc", sys.executable]
    command += ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", test]
    try:
        result = subprocess.run(
            command,
            env={**environment, KEY: key},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        Cgroups(key).remove_all()
    if result.returncode != 0:
        pytest.fail(
            f"in namespaces of its own:\n{result.stdout[-20_000:]}{result.stderr[-4_000:]}", pytrace=False
        )


def _inside(test: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(test)
    def prepared(*arguments: object, **fixtures: object) -> None:
        test(*arguments, **fixtures)

    return prepared


def enter() -> Cgroups:
    """The private mounts that a supervisor has; returns the test's control groups."""
    for directory in (namespaces.DIRECTORY, Path("/run/systemd/nspawn")):
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(directory)], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return Cgroups(os.environ[KEY])
