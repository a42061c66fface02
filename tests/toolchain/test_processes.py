from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain.errors import CommandFailedError, DiskFullError, InterruptedBuildError
from toolchain.processes import Processes

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="namespaces need root, as the toolchain itself does"
)


def test_every_line_of_a_program_is_reported() -> None:
    lines: list[str] = []
    Processes().run(["sh", "-c", "echo one; echo two >&2"], report=lines.append)
    assert lines == ["one", "two"], "both streams, in order"


def test_a_failure_carries_the_last_lines() -> None:
    with pytest.raises(CommandFailedError, match=r"sh failed with status 7; its last lines:\nbecause"):
        Processes().run(["sh", "-c", "echo because; exit 7"], report=lambda _: None)


def test_a_full_disk_is_called_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match=f"found the disk full .in {tmp_path}.: free some space"):
        Processes().run(
            ["sh", "-c", "echo 'cp: x: No space left on device'; exit 1"],
            report=lambda _: None,
            folder=tmp_path,
        )


def test_stopping_ends_what_runs_and_starts_nothing_more() -> None:
    processes = Processes()
    with pytest.raises(InterruptedBuildError, match="was stopped"):
        processes.run(["sh", "-c", "echo up; sleep 60"], report=lambda _: processes.stop())
    with pytest.raises(InterruptedBuildError, match="was not started"):
        processes.run(["true"], report=lambda _: None)


def test_nothing_that_a_build_started_outlives_it(
    tmp_path: Path, program: Callable[[str, str], Path]
) -> None:
    alive = tmp_path / "alive"
    writer = program("writer", f"while :; do date +%s%N > {alive}; sleep 0.05; done")
    code = (
        "import sys\n"
        "from toolchain.processes import Processes\n"
        "Processes().run(['sh', '-c', f'setsid {sys.argv[1]} & wait'], report=print)\n"
    )
    builder = subprocess.Popen([sys.executable, "-c", code, writer])
    try:
        wait_until(alive.exists)
    finally:
        builder.kill()
        builder.wait()
    wait_until(lambda: is_unchanged(alive))


def is_unchanged(path: Path) -> bool:
    before = path.read_text()
    return not threading.Event().wait(0.3) and path.read_text() == before


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within 10 s"
        threading.Event().wait(0.02)
