import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stacks.recovery import strays

ENGINE = """\
import subprocess, sys
process = subprocess.Popen([{plugin!r}, "127.0.0.1:1"])
print(process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "plugins" / "resource-x-v1" / "pulumi-resource-x"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    path.chmod(0o755)
    return path


@contextmanager
def _engine(tmp_path: Path, plugin: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process called `pulumi` whose child is the plugin."""
    program = tmp_path / "pulumi"
    program.write_text(f"#!{sys.executable}\n" + ENGINE.format(plugin=str(plugin)))
    program.chmod(0o755)
    environment = {**os.environ, "PULUMI_HOME": str(tmp_path)}
    engine = subprocess.Popen(
        [program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    try:
        yield engine, pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        engine.kill()
        engine.communicate()


def _found(folder: Path) -> set[int]:
    return {stray.pid for stray in strays.find(str(folder))}


def test_a_plugin_of_a_living_engine_is_no_stray(tmp_path: Path, plugin: Path) -> None:
    with _engine(tmp_path, plugin) as (_, pid):
        assert pid not in _found(tmp_path), "another tenant's update may be running"


def test_a_plugin_whose_engine_was_killed_is_found_and_ended(tmp_path: Path, plugin: Path) -> None:
    with _engine(tmp_path, plugin) as (engine, pid):
        deadline = time.monotonic() + 5
        while str(plugin).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline, "the plugin didn't start"
        engine.kill()
        engine.wait()
        found = [stray for stray in strays.find(str(tmp_path)) if stray.pid == pid]
        assert [stray.name for stray in found] == [f"{Path(sys.executable).name} {plugin} 127.0.0.1:1"], (
            "it may still be creating things"
        )
        strays.stop(found[0])
        assert pid not in _found(tmp_path), "ended means gone"


def test_another_project_s_plugins_are_not_ours_to_end(tmp_path: Path, plugin: Path) -> None:
    with _engine(tmp_path, plugin) as (engine, pid):
        engine.kill()
        engine.wait()
        assert pid not in {stray.pid for stray in strays.find("/elsewhere")}, "PULUMI_HOME tells them apart"


def test_processes_that_are_no_plugins_are_left_alone(tmp_path: Path) -> None:
    assert not _found(tmp_path), "nothing on this machine runs from here"
