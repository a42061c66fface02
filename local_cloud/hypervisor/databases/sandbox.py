"""Where a database server runs: not as root, without capabilities, on a read-only system."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.hypervisor.containers.cgroups import Cgroups, Limits
from local_cloud.hypervisor.containers.container import Container, children
from local_cloud.hypervisor.machines.disks import mount_overlay, unmount
from local_cloud.hypervisor.model import HypervisorError

STOP_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Programs:
    """What the toolchain installed: PostgreSQL's prefix and Valkey's server."""

    postgresql: Path
    valkey: Path


@dataclass(frozen=True, kw_only=True)
class Process:
    """A server to start. Keys of `read_only` and `writable` are paths inside, values the paths out here."""

    name: str
    user: str
    command: Sequence[str]
    network: Path
    memory_mib: int
    log: Path
    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)


class System:
    """The read-only file tree that all servers share, mounted at `root` when it is first needed."""

    def __init__(self, root: Path, layers: Sequence[Path]) -> None:
        self.root = root
        self._layers = layers

    def mount(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            mount_overlay(self.root, self._layers)

    def unmount(self) -> None:
        unmount(self.root)

    def user_id(self, user: str) -> int:
        """The user's number in the servers' system, which the files that it is to own must have out here."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            name, _, number, *_ = line.split(":")
            if name == user:
                return int(number)
        raise HypervisorError(f"there is no user {user} in {self.root}: run `python -m toolchain`")


class Sandbox:
    """One server process, until it is stopped or ends."""

    def __init__(self, process: Process, system: System, cgroups: Cgroups) -> None:
        self.name = process.name
        self._cgroups = cgroups
        # What a server left that ended by itself.
        cgroups.remove(self.name)
        procs = cgroups.create(self.name, Limits(memory_mib=process.memory_mib))
        self.container = Container(_arguments(process, system.root), procs, process.log)

    @property
    def is_running(self) -> bool:
        return self.container.is_running

    def limit(self, memory_mib: int) -> None:
        """Change the memory that the running server may use."""
        self._cgroups.limit(self.name, Limits(memory_mib=memory_mib))

    def stop(self, signal_number: int) -> None:
        """Send the signal to the server, give it 30 s to end, then kill it."""
        leader = self.container.leader
        for server in children(leader) if leader is not None else ():
            with suppress(ProcessLookupError):
                os.kill(server, signal_number)
        try:
            self.container.wait(STOP_SECONDS)
        except TimeoutError:
            self.container.kill()
        self._cgroups.remove(self.name)


def prepare(directory: Path, owner: int) -> Path:
    """A directory that the server's user owns and nobody else can enter."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    os.chown(directory, owner, -1)
    return directory


def _arguments(process: Process, root: Path) -> list[str]:
    return [
        f"--directory={root}",
        "--read-only",
        f"--machine={process.name}",
        f"--network-namespace-path={process.network}",
        "--as-pid2",
        f"--user={process.user}",
        "--drop-capability=all",
        "--no-new-privileges=yes",
        *(f"--bind-ro={outside}:{inside}" for inside, outside in process.read_only.items()),
        *(f"--bind={outside}:{inside}" for inside, outside in process.writable.items()),
        "--",
        *process.command,
    ]
