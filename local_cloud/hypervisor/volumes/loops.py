"""Loop devices: block devices over files. They are the kernel's, shared by all: only free ones are taken.

Each frees itself when its last user closes it (LO_FLAGS_AUTOCLEAR), so none outlives a killed supervisor.
The requests and their layouts are those of linux/loop.h.
"""

import errno
import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Self

from local_cloud.hypervisor.model import HypervisorError

LOOP_SET_CAPACITY = 0x4C07
LOOP_CONFIGURE = 0x4C0A
LOOP_CTL_GET_FREE = 0x4C82
LO_FLAGS_AUTOCLEAR = 4
SECONDS_FOR_A_FREE_ONE = 10.0

_CONFIG = struct.Struct("=II5Q4I64s64s32s2Q8Q")
"""struct loop_config: fd, block size, struct loop_info64 (its flags the fourth of four words), reserved."""


class LoopDevice:
    """A file as a block device, for as long as this object holds it open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        number = os.fstat(descriptor).st_rdev
        self.major, self.minor = os.major(number), os.minor(number)

    @classmethod
    def over(cls, file: Path) -> Self:
        """Take a free device for the file. Raises HypervisorError when none can be had."""
        deadline = time.monotonic() + SECONDS_FOR_A_FREE_ONE
        backing = os.open(file, os.O_RDWR)
        try:
            while True:
                descriptor = _claim(backing, file.name)
                if descriptor is not None:
                    return cls(descriptor)
                if time.monotonic() > deadline:
                    raise HypervisorError(
                        f"no loop device is free for {file}: free one (`losetup --list`) and try again"
                    )
        finally:
            os.close(backing)

    def grow(self) -> None:
        """Take over the file's new size."""
        fcntl.ioctl(self._descriptor, LOOP_SET_CAPACITY, 0)

    def flush(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def _claim(backing: int, name: str) -> int | None:
    """The open device, or None when another process was quicker to take it."""
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    finally:
        os.close(control)
    label = name.encode()[:63]
    config = _CONFIG.pack(backing, 0, *[0] * 5, 0, 0, 0, LO_FLAGS_AUTOCLEAR, label, b"", b"", 0, 0, *[0] * 8)
    descriptor = os.open(f"/dev/loop{number}", os.O_RDWR)
    try:
        fcntl.ioctl(descriptor, LOOP_CONFIGURE, config)
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EBUSY:
            return None
        raise HypervisorError(f"/dev/loop{number} can't carry {name}: {error.strerror}") from error
    return descriptor
