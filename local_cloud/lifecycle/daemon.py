"""The supervisor as a process: started as a daemon, waited for, ended with everything inside it."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from local_cloud.errors import CloudIsDownError, LocalCloudError
from local_cloud.lifecycle.api import ApiError, call
from local_cloud.lifecycle.state import Process, Supervisor
from local_cloud.settings import Settings

UP_SECONDS = 300.0
"""Until everything is restored. A droplet boots in seconds; dozens share a few processors."""
DOWN_SECONDS = 150.0
"""Droplets, databases and the vault get 30 s each, one after another, to end in good order; then the power is
cut.
"""
KILL_SECONDS = 10.0
ROOT = Path(__file__).parents[2]
NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")


class LifecycleError(LocalCloudError):
    """The local cloud could not be brought up or down; the message says why and what to do."""


def start(settings: Settings, listener: socket.socket) -> Supervisor:
    """Start the supervisor as a daemon, with a new log.

    It does nothing before it is told that it has been written down: else, if we were killed in between,
    nobody could find it.
    """
    registered, tell = os.pipe()
    with _new_log(settings).open("ab") as log, os.fdopen(tell, "wb") as registration:
        inherited = (listener.fileno(), registered)
        daemon = subprocess.Popen(
            _command(*inherited),
            cwd=ROOT,
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


def wait_until_ready(settings: Settings, supervisor: Supervisor) -> None:
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
            reason = f"{status['restoring']} droplets and servers are still being restored"
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


def stop(supervisor: Supervisor) -> None:
    """In good order when it can be had, by force when not. Raises LifecycleError when something runs on."""
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
