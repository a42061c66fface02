"""Control groups: each machine and database in one of its own, with its limits, on cgroup v1, hybrid and v2.

A member's processes live in a child (`inside`) of the group that carries its limits. A machine's root sees
its own cgroup namespace only, of which `inside` is the root, so it can't lift what is set above it.

The device controller exists on v1 alone (on v2 it is a BPF program, which is not made here): there a
machine's root could reach the host's devices by mounting a devtmpfs.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local_cloud.hypervisor.model import HypervisorError

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "memory", "pids")
NAMED_V1 = ("systemd", "unified", "cpu", "cpuacct", "memory", "pids", "devices")
CPU_PERIOD_MICROSECONDS = 100_000
"""The kernel's default (Documentation/scheduler/sched-bwc.rst)."""
MAX_PROCESSES = 16_384
"""A machine can't exhaust the host's process ids by forking; no program of a tenant comes near it."""
REMOVAL_SECONDS = 60.0
"""After a crash hundreds of processes end at the same time, and some write to disk first."""

CONTAINER_DEVICES = (
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",  # null
    "c 1:5 rwm",  # zero
    "c 1:7 rwm",  # full
    "c 1:8 rwm",  # random
    "c 1:9 rwm",  # urandom
    "c 5:0 rwm",  # tty
    "c 5:1 rwm",  # console
    "c 5:2 rwm",  # ptmx
    "c 136:* rwm",  # pts
    "c 10:200 rwm",  # net/tun
)
"""What systemd-nspawn allows a registered container (its `DevicePolicy=closed` list), and net/tun."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a group may use. `cpus` are whole processors' time; a group without them gets what is there."""

    memory_mib: int
    cpus: int | None = None


class Cgroups:
    """The groups of one local cloud: `local-cloud-<key>/<member>/inside`, in each hierarchy."""

    def __init__(self, key: str, root: Path = ROOT) -> None:
        self._root = root
        self._name = f"local-cloud-{key}"

    def create(self, member: str, limits: Limits) -> tuple[Path, ...]:
        """The group with its limits set. Returns the files into which a process writes 0 to join it."""
        with _explained(member):
            for hierarchy in self._hierarchies():
                group = hierarchy / self._name / member
                self._delegate(hierarchy, group)
                if not (group / "inside").is_dir():
                    _deny_devices(group)
                (group / "inside").mkdir(exist_ok=True)
        self.limit(member, limits)
        return tuple(group / "inside" / "cgroup.procs" for group in self._groups(member))

    def limit(self, member: str, limits: Limits) -> None:
        """Change what the group may use, also while its processes run.

        Raises HypervisorError when they use more memory than that already.
        """
        memory = str(limits.memory_mib << 20)
        quota = -1 if limits.cpus is None else limits.cpus * CPU_PERIOD_MICROSECONDS
        values = {
            "memory.limit_in_bytes": memory,
            "memory.max": memory,
            "cpu.cfs_period_us": str(CPU_PERIOD_MICROSECONDS),
            "cpu.cfs_quota_us": str(quota),
            "cpu.max": f"{'max' if quota < 0 else quota} {CPU_PERIOD_MICROSECONDS}",
            "pids.max": str(MAX_PROCESSES),
        }
        with _explained(member):
            for group in self._groups(member):
                for name, value in values.items():
                    _write_if_there(group / name, value)

    def allow_device(self, member: str, major: int, minor: int) -> None:
        """Let the member open one block device. A child never has more than its parent: parents first."""
        for group in self._groups(member):
            for part in (group, group / "inside"):
                _write_if_there(part / "devices.allow", f"b {major}:{minor} rwm")

    def deny_device(self, member: str, major: int, minor: int) -> None:
        for group in self._groups(member):
            _write_if_there(group / "devices.deny", f"b {major}:{minor} rwm")

    def remove(self, member: str) -> None:
        """Remove the member's empty groups. Raises HypervisorError when processes still run in them."""
        for group in self._groups(member):
            _remove_tree(group)

    def remove_all(self) -> None:
        """Remove every group of this local cloud: also those that a killed supervisor left."""
        for hierarchy in self._hierarchies():
            _remove_tree(hierarchy / self._name)

    def _hierarchies(self) -> list[Path]:
        if (self._root / "cgroup.controllers").exists():
            return [self._root]
        present = (self._root / name for name in NAMED_V1)
        # systemd mounts cpu and cpuacct together and links to the one directory by both names.
        return list(dict.fromkeys(path.resolve() for path in present if (path / "cgroup.procs").exists()))

    def _groups(self, member: str) -> list[Path]:
        groups = (hierarchy / self._name / member for hierarchy in self._hierarchies())
        return [group for group in groups if group.is_dir()]

    def _delegate(self, hierarchy: Path, group: Path) -> None:
        group.mkdir(parents=True, exist_ok=True)
        available = hierarchy / "cgroup.controllers"
        if not available.exists():
            return
        wanted = [name for name in CONTROLLERS if name in available.read_text().split()]
        for parent in (hierarchy, group.parent, group):
            for name in wanted:
                (parent / "cgroup.subtree_control").write_text(f"+{name}")


@contextmanager
def _explained(member: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HypervisorError(
            f"no control group with these limits for {member}: {error.strerror} at {error.filename}; "
            "the local cloud needs a writable /sys/fs/cgroup"
        ) from error


def joining(procs: Sequence[Path], command: Sequence[str]) -> list[str]:
    """The command, started inside the groups: its first process joins them before it becomes the command."""
    script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "join", *map(str, procs), "--", *command]


def _deny_devices(group: Path) -> None:
    if (group / "devices.deny").exists():
        (group / "devices.deny").write_text("a")
        for rule in CONTAINER_DEVICES:
            (group / "devices.allow").write_text(rule)


def _write_if_there(file: Path, value: str) -> None:
    if file.exists():
        file.write_text(value)


def _remove_tree(group: Path) -> None:
    deadline = time.monotonic() + REMOVAL_SECONDS
    while group.is_dir():
        for directory in _deepest_first(group):
            # Busy until its last process has been reaped; gone when systemd was quicker.
            with suppress(OSError):
                directory.rmdir()
        if group.is_dir():
            if time.monotonic() > deadline:
                raise HypervisorError(f"control group {group} is still in use: {_members(group)} run in it")
            time.sleep(0.01)


def _deepest_first(group: Path) -> Iterator[Path]:
    for directory, _, _ in os.walk(group, topdown=False):
        yield Path(directory)


def _members(group: Path) -> str:
    pids = [pid for part in _deepest_first(group) for pid in (part / "cgroup.procs").read_text().split()]
    return f"processes {', '.join(pids)}" if pids else "processes that end"
