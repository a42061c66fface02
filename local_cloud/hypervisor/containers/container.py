"""One running systemd-nspawn: started in its groups, its output kept, its first process found.

Its processes are root without a user namespace (the network namespace belongs to the host's, and a file
system on a volume can't be mounted from another), with a bounded set of capabilities. That keeps apart
machines that misbehave; it is not a wall against a root who knows the kernel's ways out of such a container.
"""

import os
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from local_cloud.hypervisor.containers.cgroups import joining
from local_cloud.hypervisor.model import HypervisorError

REBOOT_STATUS = 133
"""What systemd-nspawn --keep-unit exits with when the machine asked for a reboot (EXIT_FORCE_RESTART)."""
CONSOLE_BYTES = 1 << 20
KILL_SECONDS = 10.0
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    "SYSTEMD_NSPAWN_LOCK": "0",
}
COMMON_OPTIONS = (
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=pipe",
)


class Container:
    """A started systemd-nspawn. `log` keeps the last one to two MiB of what it writes, in two files."""

    def __init__(self, arguments: Sequence[str], procs: Sequence[Path], log: Path) -> None:
        command = joining(procs, ["systemd-nspawn", *COMMON_OPTIONS, *arguments])
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        self._log = log
        self._reader = threading.Thread(target=self._read, name=f"console of {log.parent.name}", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of systemd-nspawn itself, which ends with what runs inside."""
        return self._process.pid

    @property
    def leader(self) -> int | None:
        """The first process inside, by its id out here; None before there is one and after its end."""
        for child in children(self._process.pid):
            if _is_init_of_a_namespace(child):
                return child
        return None

    def wait(self, seconds: float | None = None) -> int:
        """The exit status. Raises TimeoutError when it runs on for that long."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"it still runs after {seconds} s") from None
        self._reader.join(KILL_SECONDS)
        return status

    def ask_to_stop(self) -> None:
        """systemd-nspawn passes this on to a booted systemd as `systemctl poweroff`."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill the first process; the kernel kills all others inside with it. Returns when they are gone."""
        leader = self.leader
        if leader is not None:
            with suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
            with suppress(TimeoutError):
                self.wait(KILL_SECONDS)
        self._process.kill()
        self.wait(KILL_SECONDS)

    def wait_until(self, condition: Callable[[int], bool], seconds: float, what: str) -> int:
        """Poll until `condition(leader)` holds, and return the leader.

        Raises HypervisorError, with the end of the log, when it ends first or takes too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                raise HypervisorError(f"{what} ended with status {self.wait()}: {self.last_words()}")
            leader = self.leader
            if leader is not None and condition(leader):
                return leader
            time.sleep(0.02)
        raise HypervisorError(f"{what} was not up after {seconds:g} s: {self.last_words()}")

    def last_words(self) -> str:
        """The last lines of the log, for an error message."""
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        return " / ".join(line.strip() for line in lines[-5:]) or f"nothing in {self._log}"

    def _read(self) -> None:
        output = self._process.stdout
        assert output is not None  # noqa: S101 -- Popen was told PIPE
        file = _open(self._log)
        with output:
            while chunk := os.read(output.fileno(), 1 << 16):
                if file.tell() > CONSOLE_BYTES:
                    file.close()
                    self._log.replace(self._log.with_name(f"{self._log.name}.1"))
                    file = _open(self._log)
                file.write(chunk)
        file.close()


def systemd_answers(leader: int) -> bool:
    """Whether the machine's systemd takes requests: its private socket is there.

    /run/host is nspawn's: where it is missing, the process has not yet left the host's file tree.
    """
    run = Path(f"/proc/{leader}/root/run")
    try:
        return (run / "host/container-manager").exists() and stat.S_ISSOCK(
            (run / "systemd/private").stat().st_mode
        )
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The processes that `pid`'s main thread has started and that still are."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _is_init_of_a_namespace(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    ids = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(ids) > 1 and ids[-1] == "1"


def _open(log: Path) -> BinaryIO:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)
