"""What must be so before anything is made: Linux on x86-64, root, and room on the disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from toolchain.errors import DiskFullError, ToolchainError


def check_machine() -> None:
    """Raises ToolchainError when this machine cannot have the toolchain."""
    if sys.platform != "linux":
        raise ToolchainError(
            f"this machine runs {sys.platform}: the local cloud's droplets are Linux namespaces, "
            "so run this on Linux (a virtual machine will do)"
        )
    if platform.machine() != "x86_64":
        raise ToolchainError(f"this machine is {platform.machine()}: the recipes are made for x86_64")
    if os.geteuid() != 0:
        raise ToolchainError(f"user id {os.geteuid()} is not root: run it again with sudo, or as root")


def check_space(folder: Path, needed: int) -> None:
    """Raises DiskFullError when the file system of `folder` has less than `needed` MiB free."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free // 2**20
    if free < needed:
        raise DiskFullError(
            f"{folder} has {free} MiB free, and {needed} MiB are needed: free some space, "
            "or set TENANTRY_CACHE to a folder on another disk"
        )
