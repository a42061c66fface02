"""Provider plugins that outlived a killed engine: they may still be creating things that nobody records.

The engine starts a plugin with its own address as an argument, and is its parent; once the engine was killed,
the parent is another process, and nothing that the plugin does will ever reach a state.
"""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stacks.errors import RecoveryError

ENGINE_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")

DEADLINE = 10.0
"""Seconds for a stray to end after SIGTERM, and again after SIGKILL."""


@dataclass(frozen=True, kw_only=True)
class Stray:
    """A plugin's process without its engine."""

    pid: int
    name: str


def find(home: str, *, proc: Path = Path("/proc")) -> Iterator[Stray]:
    """The plugins whose engine is gone, of a PULUMI_HOME: those of other projects are not ours to end."""
    for process in proc.glob("[0-9]*"):
        with suppress(OSError):
            arguments = (process / "cmdline").read_text().split("\0")
            is_plugin = any(ENGINE_ADDRESS.fullmatch(argument) for argument in arguments[1:])
            if is_plugin and _is_of(process, home) and not _is_engine(_parent(process), proc):
                yield Stray(pid=int(process.name), name=_name(arguments))


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


def _name(arguments: list[str]) -> str:
    return " ".join([Path(arguments[0]).name, *arguments[1:]]).strip()


def _is_of(process: Path, home: str) -> bool:
    return f"PULUMI_HOME={home}" in (process / "environ").read_text(errors="replace").split("\0")


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
