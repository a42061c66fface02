"""The block device of a data volume: waited for, and given a file system only when it is blank."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from agent_runtime.commands import run
from agent_runtime.errors import VolumeError

_NO_SIGNATURE = 2
_SEVERAL_SIGNATURES = 8
"""blkid(8), as exit statuses."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Device:
    """A volume's device, under the name that DigitalOcean gives it. Raises VolumeError or CommandError."""

    path: Path

    def wait(self, seconds: float) -> None:
        """Until it is attached."""
        deadline = time.monotonic() + seconds
        while not self.path.is_block_device():
            if time.monotonic() > deadline:
                raise VolumeError(f"{self.path} is missing: attach the volume to this host, by `pulumi up`")
            time.sleep(0.2)

    def format_if_blank(self) -> None:
        """An ext4 that can encrypt. What is on a device with anything on it stays as it is."""
        found = self._signature()
        if found is None:
            logger.info("%s is blank: it gets a file system", self.path.name)
            run("mkfs.ext4", "-q", "-m", "0", "-O", "encrypt", str(self.path))
        elif found != "ext4":
            raise VolumeError(f"{self.path} holds {found}, which isn't ours: it is left alone")
        elif "encrypt" not in self._features():
            raise VolumeError(f"{self.path} holds an ext4 without encryption, not ours: it is left alone")

    def mount(self, place: Path) -> None:
        """Mount its file system, grown to the device's size."""
        place.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not place.is_mount():
            run("mount", "-t", "ext4", "-o", "nosuid,nodev", str(self.path), str(place))
        run("resize2fs", str(self.path))

    def _signature(self) -> str | None:
        command = ("blkid", "--probe", "--output=value", "--match-tag=TYPE", str(self.path))
        found = run(*command, accepted=(0, _NO_SIGNATURE, _SEVERAL_SIGNATURES))
        if found.returncode == _NO_SIGNATURE:
            return None
        return found.stdout.strip() or "something"

    def _features(self) -> list[str]:
        lines = run("dumpe2fs", "-h", str(self.path)).stdout.splitlines()
        return next((line.split()[2:] for line in lines if line.startswith("Filesystem features:")), [])
