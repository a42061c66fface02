"""What must be true before a local cloud is started, each with what to do when it isn't."""

import os
import platform
import shutil
import socket
import subprocess
import time
from pathlib import Path

from local_cloud.errors import LocalCloudError
from local_cloud.settings import Settings, ToolchainManifest

PROGRAMS = {
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "ss": "iproute2",
    "systemd-nspawn": "systemd-container",
    "tini": "tini",
    "unshare": "util-linux",
}
"""Each program, and the Debian package that has it."""
FREE_BYTES = 2 << 30
"""What a few droplets and databases write in a day's work; below it they would fail half-way."""


class PreflightError(LocalCloudError):
    """Why this machine can't run a local cloud as it is."""


def check_privileges() -> None:
    """Raises PreflightError unless this is root on Linux."""
    if platform.system() != "Linux":
        raise PreflightError(
            f"the local cloud needs Linux, and this is {platform.system()}: run it in a Linux virtual machine"
        )
    if os.geteuid() != 0:
        raise PreflightError("the local cloud needs root, for namespaces and mounts: run this with sudo")


def make_state_directory(path: Path) -> None:
    """Raises PreflightError when there can't be one."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)  # it holds passwords and keys
    except OSError as error:
        raise PreflightError(
            f"the state directory {path} can't be made ({error.strerror}): "
            "set LOCAL_CLOUD_STATE_DIR to a directory"
        ) from error


def check_machine(settings: Settings) -> None:
    """Raises PreflightError for a missing program or a full disk, SettingsError without a toolchain."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        raise PreflightError(f"programs are missing: install the packages {' '.join(missing)}")
    free = shutil.disk_usage(settings.state_dir).free
    if free < FREE_BYTES:
        raise PreflightError(
            f"{settings.state_dir} has {free >> 20} MiB free and needs {FREE_BYTES >> 20}: "
            "free some, or set LOCAL_CLOUD_STATE_DIR to another disk"
        )
    ToolchainManifest.read(settings.toolchain_manifest)


def bind(port: int, patience: float = 0) -> socket.socket:
    """The API's listening socket on loopback, so many seconds later at most.

    Raises PreflightError, naming who has the port.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=1024)
        except OSError as error:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise PreflightError(
                f"port {port} on 127.0.0.1 can't be had ({os.strerror(error.errno or 0)}; {_holder(port)}): "
                "stop that program, or set LOCAL_CLOUD_PORT to a free port"
            ) from error


def _holder(port: int) -> str:
    listing = subprocess.run(
        ["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False
    ).stdout
    _, found, users = listing.partition("users:")
    return f"it belongs to {users.strip()}" if found else "who has it can't be seen"
