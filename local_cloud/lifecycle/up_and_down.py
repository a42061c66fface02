"""A local cloud's life: up, down, reset. Idempotent, one command at a time, and nothing is left behind.

Everything lives in the namespaces of one supervisor, so its end, however it comes, is the end of every
process, mount, link and rule. On disk remain the droplets' disks, volumes and databases, from which `up`
restores all; control groups are the one thing that a killed supervisor leaves, and the next command removes.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from local_cloud.errors import CloudIsDownError
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.lifecycle.api import call
from local_cloud.lifecycle.daemon import (
    KILL_SECONDS,
    UP_SECONDS,
    LifecycleError,
    start,
    stop,
    wait_until_ready,
)
from local_cloud.lifecycle.preflight import bind, check_machine, check_privileges, make_state_directory
from local_cloud.lifecycle.state import Supervisor
from local_cloud.settings import Settings

LOCK_SECONDS = 600.0


def up(settings: Settings) -> tuple[Supervisor, bool]:
    """Start it, unless it runs, and wait until all is restored. Says whether it had to be started.

    Raises PreflightError, LifecycleError; whatever was started is taken down again then.
    """
    check_privileges()
    make_state_directory(settings.state_dir)
    with _one_command(settings):
        recorded = Supervisor.read(settings.state_dir)
        if recorded is not None and _gets_ready(settings, recorded):
            return recorded, False
        _clean(settings, recorded)
        check_machine(settings)
        # Of one that was killed, something may still be ending.
        with bind(settings.port, patience=KILL_SECONDS if recorded else 0) as listener:
            supervisor = start(settings, listener)
        try:
            wait_until_ready(settings, supervisor)
        except BaseException:
            _end(settings, supervisor)
            raise
        return supervisor, True


def _gets_ready(settings: Settings, recorded: Supervisor) -> bool:
    """False when it has ended, or ends now: one whose `up` was killed does so before it starts anything."""
    if not recorded.process.is_alive():
        return False
    try:
        wait_until_ready(settings, recorded)
    except LifecycleError:
        if recorded.process.is_alive():
            raise
        return False
    return True


def down(settings: Settings) -> bool:
    """Stop everything, keep what is on disk, and see that nothing is left. False when it was down already.

    Raises LifecycleError when something can't be removed.
    """
    check_privileges()
    if not settings.state_dir.is_dir():
        return False
    with _one_command(settings):
        recorded = Supervisor.read(settings.state_dir)
        alive = recorded is not None and recorded.process.is_alive()
        if recorded is not None and alive:
            _end(settings, recorded)
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


def _end(settings: Settings, supervisor: Supervisor) -> None:
    stop(supervisor)
    _clean(settings, supervisor)


def _clean(settings: Settings, supervisor: Supervisor | None) -> None:
    """Remove what a supervisor that has ended, in whatever way, may have left outside its namespaces."""
    if supervisor is not None and supervisor.process.is_alive():
        raise LifecycleError(f"the supervisor (process {supervisor.pid}) still runs: `down` it first")
    try:
        Cgroups(settings.key).remove_all()
    except HypervisorError as error:
        raise LifecycleError(f"what is left of the local cloud can't be removed: {error}") from error
    (settings.state_dir / "supervisor.json").unlink(missing_ok=True)
