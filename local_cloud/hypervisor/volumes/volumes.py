"""Volumes: file systems in sparse files, plugged into machines as block devices."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.model import HypervisorError, Volume
from local_cloud.hypervisor.namespaces import run
from local_cloud.hypervisor.volumes import devices
from local_cloud.hypervisor.volumes.loops import LoopDevice

MAX_PER_MACHINE = 15
"""DigitalOcean's limit (https://docs.digitalocean.com/products/volumes/details/limits/)."""


class Volumes:
    """All volumes of this local cloud, each `<id>.img` with its name beside it in `<id>.json`.

    A volume keeps its loop device until it is deleted or the supervisor ends: while files on it are open
    anywhere, there must never be a second device over the same file.
    """

    def __init__(self, directory: Path, cgroups: Cgroups) -> None:
        self._directory = directory
        self._cgroups = cgroups
        self._loops: dict[str, LoopDevice] = {}
        self._machine_of: dict[str, int] = {}
        self._lock = threading.RLock()

    def create(self, volume: Volume) -> None:
        """Make the file and its file system; one that exists is left as it is."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._image(volume.id).exists():
            return
        self._record(volume.id).write_text(json.dumps({"name": volume.name}))
        partial = self._image(volume.id).with_suffix(".partial")
        with partial.open("wb") as file:
            partial.chmod(0o600)
            file.truncate(volume.size_gib << 30)
        try:
            if volume.filesystem is not None:
                make_filesystem(partial, volume.filesystem, volume.label)
            partial.rename(self._image(volume.id))
        finally:
            partial.unlink(missing_ok=True)

    def resize(self, volume_id: str, size_gib: int) -> None:
        """Grow the device, also while it is in use; the file system on it is for its owner to grow.

        Raises HypervisorError when it would shrink.
        """
        with self._lock:
            image = self._existing(volume_id)
            size = size_gib << 30
            if size < image.stat().st_size:
                raise HypervisorError(f"volume {volume_id} can't shrink to {size_gib} GiB: it is larger")
            with image.open("r+b") as file:
                file.truncate(size)
            if volume_id in self._loops:
                self._loops[volume_id].grow()

    def delete(self, volume_id: str) -> None:
        """Remove the volume and what is on it. Raises HypervisorError while it is attached."""
        with self._lock:
            if volume_id in self._machine_of:
                owner = self._machine_of[volume_id]
                raise HypervisorError(f"volume {volume_id} is attached to droplet {owner}: detach it first")
            loop = self._loops.pop(volume_id, None)
            if loop is not None:
                loop.close()
            for file in (self._image(volume_id), self._record(volume_id)):
                file.unlink(missing_ok=True)

    def assign(self, machine_id: int, volume_ids: Sequence[str]) -> None:
        """These volumes, and no others, are the machine's; it finds them when it boots."""
        with self._lock:
            for volume_id in volume_ids:
                self._existing(volume_id)
                self._claim(volume_id, machine_id)
            for volume_id in self._of(machine_id):
                if volume_id not in volume_ids:
                    del self._machine_of[volume_id]

    def plug(self, machine_id: int, leader: int) -> None:
        """Show a machine that has just booted the volumes that are its own."""
        with self._lock:
            for volume_id in self._of(machine_id):
                self._show(volume_id, machine_id, leader)

    def attach(self, volume: Volume, machine_id: int, leader: int | None) -> None:
        """Plug the volume into the machine. Raises HypervisorError when another machine has it."""
        with self._lock:
            self._existing(volume.id)
            self._claim(volume.id, machine_id)
            if leader is not None:
                self._show(volume.id, machine_id, leader)

    def detach(self, volume_id: str, machine_id: int, leader: int | None) -> None:
        """Unplug it: written out, unmounted wherever it is mounted, its device gone from the machine."""
        with self._lock:
            if self._machine_of.get(volume_id) != machine_id:
                return
            loop = self._loops.get(volume_id)
            if loop is not None:
                if leader is not None:
                    devices.unmount(leader, loop.major, loop.minor)
                    devices.remove_node(leader, loop.major, loop.minor, self._name(volume_id))
                self._cgroups.deny_device(f"droplet-{machine_id}", loop.major, loop.minor)
                loop.flush()
            del self._machine_of[volume_id]

    def close(self) -> None:
        with self._lock:
            for loop in self._loops.values():
                loop.close()
            self._loops.clear()
            self._machine_of.clear()

    def _show(self, volume_id: str, machine_id: int, leader: int) -> None:
        loop = self._loops.get(volume_id)
        if loop is None:
            loop = self._loops[volume_id] = LoopDevice.over(self._existing(volume_id))
        self._cgroups.allow_device(f"droplet-{machine_id}", loop.major, loop.minor)
        devices.add_node(leader, loop.major, loop.minor, self._name(volume_id))

    def _claim(self, volume_id: str, machine_id: int) -> None:
        owner = self._machine_of.setdefault(volume_id, machine_id)
        if owner != machine_id:
            raise HypervisorError(f"volume {volume_id} is attached to droplet {owner}: detach it first")
        if len(self._of(machine_id)) > MAX_PER_MACHINE:
            del self._machine_of[volume_id]
            raise HypervisorError(f"droplet {machine_id} has {MAX_PER_MACHINE} volumes: detach one first")

    def _of(self, machine_id: int) -> list[str]:
        return [volume_id for volume_id, owner in self._machine_of.items() if owner == machine_id]

    def _existing(self, volume_id: str) -> Path:
        image = self._image(volume_id)
        if not image.exists():
            raise HypervisorError(f"there is no volume {volume_id} at {image}: create it first")
        return image

    def _name(self, volume_id: str) -> str:
        return str(json.loads(self._record(volume_id).read_text())["name"])

    def _image(self, volume_id: str) -> Path:
        return self._directory / f"{volume_id}.img"

    def _record(self, volume_id: str) -> Path:
        return self._directory / f"{volume_id}.json"


def make_filesystem(file: Path, kind: str, label: str) -> None:
    """Format the file. Raises HypervisorError when the program for that is missing or refuses."""
    force = {"ext4": "-F", "xfs": "-f"}[kind]
    command = [f"mkfs.{kind}", "-q", force, *(["-L", label] if label else []), str(file)]
    try:
        run(*command)
    except FileNotFoundError:
        package = {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[kind]
        raise HypervisorError(f"{command[0]} is not installed: `apt-get install {package}`") from None
