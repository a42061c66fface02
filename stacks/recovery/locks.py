"""The locks that updates leave in a `file://` backend, and whether their owner is still at work.

A lock names host, user, process and time. It is taken away only when its owner is proven dead: a process of
this host that is gone, or whose number now belongs to one that started after the lock was made, or that is no
engine.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from stacks.errors import RecoveryError

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
START_TOLERANCE = 2.0
"""Seconds.

A process' start is known to the clock's tick, counted from a boot time that is rounded to a second.
"""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock file; `created` is seconds since 1970."""

    path: Path
    pid: int
    host: str
    user: str
    created: float

    def __str__(self) -> str:
        return f"lock {self.path.stem} of {self.user}@{self.host}, process {self.pid}"


def backend_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of a `file://` backend, or None for backends that look after their locks themselves."""
    url = urlsplit(environment.get("PULUMI_BACKEND_URL", ""))
    if url.scheme != "file":
        return None
    path = Path(f"{url.netloc}{url.path}").expanduser()
    return path / ".pulumi"


def locks_of(folder: Path, project: str, tenant: str) -> Iterator[Lock]:
    """The locks of a tenant's stack.

    Raises RecoveryError for a lock that can't be read: an owner that isn't known can't be proven dead.
    """
    for path in sorted((folder / "locks" / "organization" / project / tenant).glob("*.json")):
        try:
            content = json.loads(path.read_text())
            created = datetime.fromisoformat(str(content["timestamp"])).timestamp()
            yield Lock(
                path=path,
                pid=int(content["pid"]),
                host=str(content["hostname"]),
                user=str(content.get("username", "?")),
                created=created,
            )
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"can't read the lock {path} ({error}): if no update is running, delete the file"
            raise RecoveryError(msg) from error


def why_dead(lock: Lock, *, proc: Path = Path("/proc")) -> str | None:
    """The proof that a lock's owner no longer works on the stack, or None while it may."""
    if lock.host != socket.gethostname():
        return None
    process = proc / str(lock.pid)
    started = _started(process, proc)
    if started is None:
        return f"there is no process {lock.pid}"
    if started > lock.created + START_TOLERANCE:
        later = started - lock.created
        return f"process {lock.pid} is another one, started {later:.0f} s after the lock was made"
    name = (process / "comm").read_text().strip()
    return None if name.startswith("pulumi") else f"process {lock.pid} is {name!r}, not an engine"


def _started(process: Path, proc: Path) -> float | None:
    """Seconds since 1970; None when the process is gone or only waits to be collected by its parent."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in {"Z", "X"}:
        return None
    boot = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("btime"))
    return int(boot.split()[1]) + int(fields[19]) / CLOCK_TICKS
