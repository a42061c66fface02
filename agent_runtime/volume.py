"""The encrypted data volume: unlocked at boot with a key from the vault, locked at the end.

The file system is ext4 with fscrypt: names and contents below one folder are encrypted, and that folder is
all that services see, at /var/lib/tenantry/data, while it is unlocked. The key is never on a disk; it is the
host name's, so a host that replaces another reads the same data.
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent_runtime.commands import CommandError, run, run_with_key
from agent_runtime.device import Device
from agent_runtime.errors import VolumeError
from agent_runtime.places import Places
from agent_runtime.settings import Settings

FSCRYPT_KEY_BYTES = 32
DEVICE_SECONDS = 60.0
FOLDER_MODE = 0o711
"""Services pass through it to the folders that are their own."""

_OPEN = re.compile("Unlocked: (Yes|Partially)")
State = Literal["none", "locked", "unlocked"]
logger = logging.getLogger(__name__)


def state(settings: Settings, places: Places) -> State:
    """What the runtime API says of it."""
    if settings.volume is None:
        return "none"
    return "unlocked" if places.data.is_mount() else "locked"


class DataVolume:
    """One host's volume. Its methods raise VolumeError."""

    def __init__(self, name: str, host: str, places: Places) -> None:
        self._name = name
        self._host = host
        self._device = Device(places.devices / f"scsi-0DO_Volume_{name}")
        self._mount = places.volume
        self._folder = places.volume / "data"
        self._data = places.data

    def unlock(self, vault_key: Callable[[], bytes], seconds: float = DEVICE_SECONDS) -> None:
        """Make the data readable at its place, or leave all as it was."""
        if self._data.is_mount():
            return
        self._device.wait(seconds)
        key = derived_key(vault_key(), self._host)
        try:
            self._device.format_if_blank()
            self._device.mount(self._mount)
            self._open(key)
            self._data.mkdir(mode=0, exist_ok=True)  # while it is locked no service writes beside it
            run("mount", "--bind", str(self._folder), str(self._data))
        except CommandError as error:
            self._back_out()
            raise VolumeError(f"volume {self._name} stays locked: {error}{self._advice(error)}") from error
        logger.info("volume %s is unlocked at %s", self._name, self._data)

    def lock(self) -> None:
        """Take the key away from the kernel. What has files open there is to be stopped first."""
        try:
            _unmount(self._data)
            if self._mount.is_mount():
                if _OPEN.search(self._status()):
                    run("fscrypt", "lock", str(self._folder), "--quiet")
                _unmount(self._mount)
        except CommandError as error:
            raise VolumeError(
                f"volume {self._name} can't be locked: {error}; stop what uses {self._data}"
            ) from error
        logger.info("volume %s is locked", self._name)

    def _open(self, key: bytes) -> None:
        """Unlock the folder; on a new file system, make and encrypt it first."""
        if not (self._mount / ".fscrypt").exists():
            run("fscrypt", "setup", str(self._mount), "--quiet")
        self._folder.mkdir(exist_ok=True)
        status = self._status()
        if not status:
            command = ("encrypt", str(self._folder), "--quiet", "--source=raw_key", "--name=data")
            run_with_key(key, "fscrypt", *command)
            self._folder.chmod(FOLDER_MODE)  # fscrypt shuts it
        elif "Unlocked: Yes" not in status:
            run_with_key(key, "fscrypt", "unlock", str(self._folder), "--quiet")

    def _status(self) -> str:
        """What fscrypt says of the folder: nothing when it isn't encrypted."""
        return run("fscrypt", "status", str(self._folder), accepted=(0, 1)).stdout

    def _back_out(self) -> None:
        try:
            self.lock()
        except VolumeError as error:
            logger.warning("%s", error)

    def _advice(self, error: CommandError) -> str:
        if "incorrect key" not in error.said:
            return ""
        return f"; the vault's key of {self._host} is not the one it was made with: restore that in the vault"


def derived_key(vault_key: bytes, host: str) -> bytes:
    """The 32 bytes that fscrypt wants from the vault's 64, for this purpose and host alone."""
    info = f"tenantry data volume of {host}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=FSCRYPT_KEY_BYTES, salt=None, info=info).derive(vault_key)


def _unmount(place: Path) -> None:
    if place.is_mount():
        run("umount", str(place))
