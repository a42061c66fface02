"""A volume's device node inside a running machine, made and removed from outside.

The machine's /dev belongs to its root, who may have put anything there: no symbolic link of theirs is
followed, and no program of theirs is run.
"""

import ctypes
import os
import stat
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local_cloud.hypervisor.model import HypervisorError

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

_libc = ctypes.CDLL(None, use_errno=True)


def link_name(volume_name: str) -> str:
    """The name in /dev/disk/by-id, as on DigitalOcean."""
    return f"scsi-0DO_Volume_{volume_name}"


def add_node(leader: int, major: int, minor: int, volume_name: str) -> None:
    """Make the next free /dev/sdX and its link by id. A node that is there already is kept."""
    with _directory(leader, "dev") as dev, _directory(leader, "dev", "disk", "by-id") as by_id:
        name = _node(dev, major, minor) or _free_name(dev)
        with suppress(FileExistsError):
            os.mknod(name, stat.S_IFBLK | 0o660, os.makedev(major, minor), dir_fd=dev)
        with suppress(FileNotFoundError):
            os.unlink(link_name(volume_name), dir_fd=by_id)
        os.symlink(f"../../{name}", link_name(volume_name), dir_fd=by_id)


def remove_node(leader: int, major: int, minor: int, volume_name: str) -> None:
    with _directory(leader, "dev") as dev, _directory(leader, "dev", "disk", "by-id") as by_id:
        name = _node(dev, major, minor)
        if name is not None:
            os.unlink(name, dir_fd=dev)
        with suppress(FileNotFoundError):
            os.unlink(link_name(volume_name), dir_fd=by_id)


def unmount(leader: int, major: int, minor: int) -> None:
    """Write out and unmount, wherever the machine has mounted it; files still open there stay usable."""
    failures: list[OSError] = []
    # Only a thread that shares its root and working directory with no other may change its mount namespace.
    worker = threading.Thread(target=_unmount_inside, args=(leader, f"{major}:{minor}", failures))
    worker.start()
    worker.join()
    if failures:
        raise HypervisorError(f"the volume can't be unmounted: {failures[0]}") from failures[0]


def _unmount_inside(leader: int, device: str, failures: list[OSError]) -> None:
    try:
        _checked(_libc.unshare(CLONE_FS))
        namespace = os.open(f"/proc/{leader}/ns/mnt", os.O_RDONLY)
        try:
            mounted = _mount_points(leader, device)
            _checked(_libc.setns(namespace, CLONE_NEWNS))
        finally:
            os.close(namespace)
        for point in reversed(mounted):
            _detach(point)
    except OSError as error:
        failures.append(error)


def _mount_points(leader: int, device: str) -> list[str]:
    lines = Path(f"/proc/{leader}/mountinfo").read_text().splitlines()
    fields = (line.split() for line in lines)
    return [_unescaped(field[4]) for field in fields if field[2] == device]


def _unescaped(path: str) -> str:
    """The path as it is: mountinfo writes space, tab, newline and backslash as octal numbers."""
    for character in " \t\n\\":
        path = path.replace(f"\\{ord(character):03o}", character)
    return path


def _detach(point: str) -> None:
    with suppress(FileNotFoundError):
        directory = os.open(point, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            _checked(_libc.syncfs(directory))
        finally:
            os.close(directory)
    _checked(_libc.umount2(os.fsencode(point), MNT_DETACH | UMOUNT_NOFOLLOW))


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@contextmanager
def _directory(leader: int, *parts: str) -> Iterator[int]:
    """The directory in the machine's tree, each part made when it is missing and never a link."""
    current = os.open(f"/proc/{leader}/root", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=current)
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = following
        yield current
    except OSError as error:
        raise HypervisorError(f"/{'/'.join(parts)} in the droplet can't be used: {error.strerror}") from error
    finally:
        os.close(current)


def _node(dev: int, major: int, minor: int) -> str | None:
    for name in _names():
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=dev, follow_symlinks=False)
            if stat.S_ISBLK(found.st_mode) and found.st_rdev == os.makedev(major, minor):
                return name
    return None


def _free_name(dev: int) -> str:
    taken = set(os.listdir(dev))
    return next(name for name in _names() if name not in taken)


def _names() -> Iterator[str]:
    return (f"sd{letter}" for letter in string.ascii_lowercase)
