"""Which supervisor runs, read from its state directory.

Only the standard library is imported here: `exec` and `console` start with this and nothing heavier.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from local_cloud.errors import CloudIsDownError, LocalCloudError
from local_cloud.state_directory import TAILSCALE_KEY

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process that can't be mistaken for a later one with the same id."""

    pid: int
    started: int
    """Clock ticks since boot: field 22 of /proc/<pid>/stat."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has this id now. Raises ProcessLookupError when there is none, or a zombie."""
        return cls(pid=pid, started=_start_time(pid), boot=BOOT_ID.read_text().strip())

    def is_alive(self) -> bool:
        try:
            return Process.of(self.pid) == self
        except ProcessLookupError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Signal this very process; one that has ended is left in peace, whoever has its id now."""
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.is_alive():
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)

    def ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _start_time(pid: int) -> int:
    try:
        # The command's name is in parentheses and may hold anything, parentheses too.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return int(fields[19])


@dataclass(frozen=True)
class Supervisor:
    """What `supervisor.json` says: the process that holds the namespaces, and where the API is."""

    pid: int
    started: int
    boot: str
    port: int
    started_at: str
    toolchain_manifest: str

    @classmethod
    def read(cls, state_dir: Path) -> Self | None:
        """The recorded supervisor, alive or not; None when nothing usable is recorded.

        Raises LocalCloudError for whoever may not know.
        """
        record = state_dir / "supervisor.json"
        try:
            return cls(**json.loads(record.read_text()))
        except PermissionError:
            raise LocalCloudError(f"{record} is for root alone: run this with sudo") from None
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    @classmethod
    def running(cls, state_dir: Path) -> Self:
        """The living supervisor. Raises CloudIsDownError."""
        supervisor = cls.read(state_dir)
        if supervisor is None or not supervisor.process.is_alive():
            raise CloudIsDownError(
                f"no local cloud runs from {state_dir}: start it with `python -m local_cloud up`"
            )
        return supervisor

    def write(self, state_dir: Path) -> None:
        partial = state_dir / "supervisor.json.partial"
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(state_dir / "supervisor.json")

    @property
    def process(self) -> Process:
        """`unshare`, outside; when it dies the kernel kills everything inside."""
        return Process(pid=self.pid, started=self.started, boot=self.boot)

    @property
    def init(self) -> Process:
        """PID 1 of the cloud's process namespace. Raises CloudIsDownError when it isn't there."""
        for pid in _children(self.pid):
            with suppress(ProcessLookupError):
                return Process.of(pid)
        raise CloudIsDownError(f"the supervisor (process {self.pid}) has no init: run `down`, then `up`")

    @property
    def root(self) -> Path:
        """The file tree as the supervisor sees it, with its private mounts."""
        return Path(f"/proc/{self.init.pid}/root")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _children(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)


def read_token(state_dir: Path) -> str:
    """The default account's token for DigitalOcean's API. Raises CloudIsDownError when none was made yet."""
    return _read_secret(state_dir, "token")


def read_tailscale_key(state_dir: Path) -> str:
    """The key for Tailscale's API. Raises CloudIsDownError when none was made yet."""
    return _read_secret(state_dir, TAILSCALE_KEY)


def _read_secret(state_dir: Path, name: str) -> str:
    try:
        return (state_dir / name).read_text().strip()
    except FileNotFoundError:
        raise CloudIsDownError(f"there is no {name} in {state_dir}: run `python -m local_cloud up`") from None
