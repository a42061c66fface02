"""A local cloud's life: up, down, reset. Idempotent, one command at a time, and nothing is left behind.

Everything lives in the namespaces of one supervisor, so its end, however it comes, is the end of every
process, mount, link and rule. On disk remain the droplets' disks, volumes and databases, from which `up`
restores all; control groups are the one thing that a killed supervisor leaves, and the next command removes.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from local_cloud.hypervisor.cgroups import Cgroups
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.lifecycle_api import ApiError, call
from local_cloud.lifecycle_preflight import bind, check_machine, check_privileges
from local_cloud.lifecycle_state import CloudIsDownError, LocalCloudError, Process, Supervisor
from local_cloud.settings import Settings

UP_SECONDS = 300.0
"""Until everything is restored. A droplet boots in seconds; dozens share a few processors."""
DOWN_SECONDS = 60.0
"""Twice what a droplet gets to shut down in good order; then the power is cut."""
KILL_SECONDS = 10.0
LOCK_SECONDS = 600.0

NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")


class LifecycleError(LocalCloudError):
    """The local cloud could not be brought up or down; the message says why and what to do."""


def up(settings: Settings) -> tuple[Supervisor, bool]:
    """Start it, unless it runs, and wait until all is restored. Says whether it had to be started.

    Raises PreflightError, LifecycleError; whatever was started is taken down again then.
    """
    check_privileges()
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    settings.state_dir.chmod(0o700)  # it holds passwords and keys
    with _one_command(settings):
        recorded = Supervisor.read(settings.state_dir)
        if recorded is not None and recorded.process.is_alive():
            _wait_until_ready(settings, recorded)
            return recorded, False
        _clean(settings, recorded)
        check_machine(settings)
        with bind(settings.port) as listener:
            supervisor = _start(settings, listener)
        try:
            _wait_until_ready(settings, supervisor)
        except BaseException:
            _stop(settings, supervisor)
            raise
        return supervisor, True


def down(settings: Settings) -> bool:
    """Stop everything, keep what is on disk, and see that nothing is left. False when it was down already.

    Raises LifecycleError when something can't be removed.
    """
    check_privileges()
    if not settings.state_dir.exists():
        return False
    with _one_command(settings):
        recorded = Supervisor.read(settings.state_dir)
        alive = recorded is not None and recorded.process.is_alive()
        if recorded is not None and alive:
            _stop(settings, recorded)
        else:
            _clean(settings, recorded)
        return alive


def reset(settings: Settings) -> None:
    """Delete every resource of every account: through the API, or on disk when the cloud is down."""
    check_privileges()
    try:
        call(
            settings.state_dir,
            Supervisor.running(settings.state_dir),
            "POST",
            "/_local/reset",
            seconds=UP_SECONDS,
        )
    except CloudIsDownError:
        down(settings)
        for entry in settings.state_dir.glob("*"):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


@contextmanager
def _one_command(settings: Settings) -> Iterator[None]:
    lock = FileLock(settings.state_dir / "lock")
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise LifecycleError(
            f"another `up` or `down` has held {lock.lock_file} for {LOCK_SECONDS:.0f} s: wait, or end it"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _start(settings: Settings, listener: socket.socket) -> Supervisor:
    """Start the supervisor as a daemon, with a new log.

    It does nothing before it is told that it has been written down: else, if we were killed in between,
    nobody could find it.
    """
    registered, tell = os.pipe()
    with _new_log(settings).open("ab") as log, os.fdopen(tell, "wb") as registration:
        inherited = (listener.fileno(), registered)
        daemon = subprocess.Popen(
            _command(*inherited),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **settings.environment(), "PYTHONUNBUFFERED": "1"},
            pass_fds=inherited,
            start_new_session=True,
        )
        os.close(registered)
        process = Process.of(daemon.pid)
        supervisor = Supervisor(
            pid=process.pid,
            started=process.started,
            boot=process.boot,
            port=settings.port,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            toolchain_manifest=str(settings.toolchain_manifest),
        )
        supervisor.write(settings.state_dir)
        registration.write(b"1")
    return supervisor


def _command(listener: int, registered: int) -> list[str]:
    # If `unshare` dies the kernel kills tini, the first process inside, and with it all others; if the
    # supervisor dies tini ends, and with it all others, and `unshare`.
    unshare = [
        "unshare",
        *NAMESPACES,
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation=slave",
    ]
    python = [sys.executable, "-m", "local_cloud.supervisor"]
    return [*unshare, "tini", "--", *python, f"--socket={listener}", f"--registered={registered}"]


def _new_log(settings: Settings) -> Path:
    log = settings.state_dir / "supervisor.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log


def _wait_until_ready(settings: Settings, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + UP_SECONDS
    reason = "it has not answered yet"
    while time.monotonic() < deadline:
        if not supervisor.process.is_alive():
            raise LifecycleError(f"the supervisor ended while it started:\n{last_words(settings)}")
        try:
            status = call(settings.state_dir, supervisor, "GET", "/_local/status")
        except (CloudIsDownError, ApiError) as error:
            reason = str(error)
        else:
            if not status.get("restoring"):
                return
            reason = f"{status['restoring']} droplets and databases are still being restored"
        time.sleep(0.05)
    raise LifecycleError(
        f"the local cloud was not ready after {UP_SECONDS:.0f} s ({reason}):\n{last_words(settings)}"
    )


def last_words(settings: Settings, lines: int = 20) -> str:
    """The end of the supervisor's log."""
    try:
        text = (settings.state_dir / "supervisor.log").read_text(errors="replace")
    except FileNotFoundError:
        return "there is no log"
    return "\n".join(text.splitlines()[-lines:])


def _stop(settings: Settings, supervisor: Supervisor) -> None:
    """In good order when it can be had, by force when not."""
    try:
        init = supervisor.init
    except CloudIsDownError:
        init = None
    if init is not None:
        namespace = _process_namespace(init.pid)
        init.send(signal.SIGTERM)
        supervisor.process.ended_within(DOWN_SECONDS)
    supervisor.process.send(signal.SIGKILL)
    if not supervisor.process.ended_within(KILL_SECONDS):
        raise LifecycleError(f"process {supervisor.pid} can't be killed: see /proc/{supervisor.pid}/stack")
    if init is not None and not _emptied(namespace):
        raise LifecycleError(f"processes of the local cloud are left: {_members(namespace)}")
    _clean(settings, supervisor)


def _process_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:  # it has ended, or is one that even root may not look into
        return ""


def _members(namespace: str) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if namespace and _process_namespace(pid) == namespace]


def _emptied(namespace: str) -> bool:
    deadline = time.monotonic() + KILL_SECONDS
    while _members(namespace):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _clean(settings: Settings, supervisor: Supervisor | None) -> None:
    """Remove what a supervisor that has ended, in whatever way, may have left outside its namespaces."""
    if supervisor is not None and supervisor.process.is_alive():
        raise LifecycleError(f"the supervisor (process {supervisor.pid}) still runs: `down` it first")
    try:
        Cgroups(settings.key).remove_all()
    except HypervisorError as error:
        raise LifecycleError(f"what is left of the local cloud can't be removed: {error}") from error
    (settings.state_dir / "supervisor.json").unlink(missing_ok=True)
