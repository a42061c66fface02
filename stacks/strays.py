"""Provider plugins that outlived a killed engine: they may still be creating things that nobody records.

A plugin is a process started from `$PULUMI_HOME/plugins`. Its engine is its parent; once that was killed, the
parent is another process, and nothing that the plugin does will ever reach a state.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stacks.errors import RecoveryError

DEADLINE = 10.0
"""Seconds for a stray to end after SIGTERM, and again after SIGKILL."""


@dataclass(frozen=True, kw_only=True)
class Stray:
    """A plugin's process without its engine."""

    pid: int
    name: str


def find(plugins: Path, *, proc: Path = Path("/proc")) -> Iterator[Stray]:
    """The plugins of a PULUMI_HOME whose engine is gone."""
    for process in proc.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")[:2]
            path = next((Path(os.fsdecode(each)) for each in arguments if _within(each, plugins)), None)
            if path is not None and not _is_engine(_parent(process), proc):
                yield Stray(pid=int(process.name), name=path.name)


def stop(stray: Stray, *, proc: Path = Path("/proc")) -> None:
    """End a stray and wait until it is gone. Raises RecoveryError when it can't be ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(stray.pid, number)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if _is_gone(proc / str(stray.pid)):
                return
            time.sleep(0.05)
    msg = f"the plugin {stray.name} (process {stray.pid}) can't be ended: end it, then try again"
    raise RecoveryError(msg)


def _within(argument: bytes, plugins: Path) -> bool:
    return Path(os.fsdecode(argument)).is_relative_to(plugins)


def _parent(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def _is_engine(pid: int, proc: Path) -> bool:
    with suppress(OSError):
        return (proc / str(pid) / "comm").read_text().startswith("pulumi")
    return False


def _is_gone(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True
