"""Whether the host has room for one more booted machine.

The kernel counts inotify instances for each user, all machines together, and a systemd without any ends
without a word. The limit is the host's to raise, not ours.
"""

import ctypes
import errno
import os
from pathlib import Path

from local_cloud.hypervisor.model import HypervisorError

INSTANCES = 6
"""What a booting Debian 12 of ours holds at most: four by systemd and logind, and others while it starts."""
LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")

_libc = ctypes.CDLL(None, use_errno=True)


def check_room(instances: int = INSTANCES) -> None:
    """Raises HypervisorError, with the setting to raise, when a machine would not come up."""
    opened: list[int] = []
    try:
        opened.extend(_inotify() for _ in range(instances))
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        limit = int(LIMIT.read_text())
        raise HypervisorError(
            f"the host has no room for another machine: its {limit} inotify instances are in use; "
            f"delete droplets, or raise the limit: sysctl -w fs.inotify.max_user_instances={limit * 8}"
        ) from error
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _inotify() -> int:
    descriptor: int = _libc.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return descriptor
