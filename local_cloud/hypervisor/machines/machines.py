"""Droplets: Debian machines that boot systemd in systemd-nspawn, on disks and networks of their own."""

import logging
import os
import stat
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_cloud.hypervisor.containers.cgroups import Cgroups, Limits
from local_cloud.hypervisor.containers.container import REBOOT_STATUS, Container, systemd_answers
from local_cloud.hypervisor.containers.room import check_room
from local_cloud.hypervisor.machines import seed
from local_cloud.hypervisor.machines.disks import Disk
from local_cloud.hypervisor.model import HypervisorError, Machine, Volume
from local_cloud.hypervisor.networks.attacher import Attacher
from local_cloud.hypervisor.volumes.volumes import Volumes

BOOT_SECONDS = 120.0
"""Until systemd answers: under a second alone, more when every processor is busy with other boots."""
TUN = (10, 200)
"""Major and minor number of the kernel's device for tunnels."""
SHUTDOWN_SECONDS = 30.0
"""What a machine gets to shut down in good order before its power is cut."""

_log = logging.getLogger(__name__)


class _Running:
    def __init__(self, machine: Machine, container: Container) -> None:
        self.machine = machine
        self.container = container


class Machines:
    """All droplets of this local cloud. Methods block, may be called at once, and can be repeated.

    `directory` keeps a directory for each machine. `images` are root file systems by slug. At most
    `boot_concurrency` machines boot at the same moment: a boot is bound by the processor. `trusted` is the
    certificate of the CA, in PEM, that a fresh disk trusts beside those of its image.
    """

    def __init__(
        self,
        directory: Path,
        images: Mapping[str, Path],
        networks: Attacher,
        cgroups: Cgroups,
        volumes: Volumes,
        boot_concurrency: int,
        *,
        trusted: str,
    ) -> None:
        self._directory = directory
        self._images = images
        self._networks = networks
        self._cgroups = cgroups
        self._volumes = volumes
        self._trusted = trusted
        self._boots = threading.BoundedSemaphore(boot_concurrency)
        self._running: dict[int, _Running] = {}
        self._locks: defaultdict[int, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def create(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        """A fresh disk, booted. A machine that has a disk already keeps it and is started."""
        with self._locked(machine.id):
            if not self._disk(machine.id).exists:
                self._disk(machine.id).format(lambda upper: seed.plant(machine, upper, self._trusted))
            self.start(machine, volumes)

    def start(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        """Boot the disk that is there. Returns when the machine's systemd answers.

        Raises HypervisorError when it has no disk, or did not come up; then it is off.
        """
        with self._locked(machine.id):
            running = self._running.get(machine.id)
            if running is not None and running.container.is_running:
                return
            self._running.pop(machine.id, None)
            self._release(machine.id)
            if not self._disk(machine.id).exists:
                raise HypervisorError(f"droplet {machine.id} ({machine.name}) has no disk: rebuild it")
            self._volumes.assign(machine.id, volumes)
            self._boot(machine)

    def rebuild(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        """Wipe the disk and boot its image anew. Volumes keep what is on them."""
        with self._locked(machine.id):
            self.stop(machine.id, graceful=False)
            self._disk(machine.id).format(lambda upper: seed.plant(machine, upper, self._trusted))
            self.start(machine, volumes)

    def stop(self, machine_id: int, *, graceful: bool) -> None:
        """Off: asked to shut down, for at most 30 s, when `graceful`; otherwise by cutting the power."""
        with self._locked(machine_id):
            running = self._running.pop(machine_id, None)
            if running is None:
                return
            if graceful:
                running.container.ask_to_stop()
                try:
                    running.container.wait(SHUTDOWN_SECONDS)
                except TimeoutError:
                    _log.warning("droplet %s did not shut down; its power is cut", machine_id)
            running.container.kill()
            self._release(machine_id)

    def delete(self, machine_id: int) -> None:
        """Remove the machine and all that is its own, but not its volumes."""
        with self._locked(machine_id):
            self.stop(machine_id, graceful=False)
            self._volumes.assign(machine_id, ())
            self._release(machine_id)
            self._disk(machine_id).delete()

    def is_running(self, machine_id: int) -> bool:
        """Whether its power is on, as it is while the machine reboots itself."""
        return machine_id in self._running

    def leader(self, machine_id: int) -> int | None:
        """The process id of the machine's init, as seen here; None when it is off."""
        running = self._running.get(machine_id)
        return running.container.leader if running else None

    def attach_volume(self, volume: Volume, machine_id: int) -> None:
        """Plug the volume in; into a machine that is off, it is there when it boots."""
        with self._locked(machine_id):
            self._volumes.attach(volume, machine_id, self.leader(machine_id))

    def detach_volume(self, volume_id: str, machine_id: int) -> None:
        """Unplug it. What is mounted from it is written out and unmounted first, without asking."""
        with self._locked(machine_id):
            self._volumes.detach(volume_id, machine_id, self.leader(machine_id))

    def close(self) -> None:
        """Shut all machines down, at the same time."""
        stops = [
            threading.Thread(target=self.stop, args=(machine_id,), kwargs={"graceful": True})
            for machine_id in list(self._running)
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()

    def _boot(self, machine: Machine) -> None:
        name = _member(machine.id)
        try:
            netns = self._networks.attach(
                machine.endpoint, f"d-{machine.id}", machine.interfaces, machine.metadata, machine.user_data
            )
            self._disk(machine.id).mount(self._image(machine))
            limits = Limits(memory_mib=machine.memory_mib, cpus=machine.vcpus)
            procs = self._cgroups.create(name, limits)
            with self._boots:
                check_room()
                container = Container(
                    self._arguments(machine, netns), procs, self._path(machine.id) / "console.log"
                )
                running = self._running[machine.id] = _Running(machine, container)
                leader = container.wait_until(systemd_answers, BOOT_SECONDS, f"droplet {machine.id}")
            self._volumes.plug(machine.id, leader)
        except BaseException:
            self.stop(machine.id, graceful=False)
            self._release(machine.id)
            raise
        threading.Thread(target=self._keep, args=(running,), name=f"keeper of {name}", daemon=True).start()

    def _arguments(self, machine: Machine, netns: Path) -> list[str]:
        return [
            "--boot",
            f"--directory={self._disk(machine.id).root}",
            f"--machine={_member(machine.id)}",
            f"--hostname={machine.name}",
            f"--network-namespace-path={netns}",
            "--capability=CAP_NET_ADMIN",
            "--drop-capability=CAP_MKNOD",
            f"--bind={self._tun(machine.id)}:/dev/net/tun",
        ]

    def _tun(self, machine_id: int) -> Path:
        """A node that anyone may open, as on every Debian; what it can do depends on their capabilities."""
        node = self._path(machine_id) / "tun"
        if not node.exists():
            os.mknod(node, stat.S_IFCHR, os.makedev(*TUN))
            node.chmod(0o666)
        return node

    def _keep(self, running: _Running) -> None:
        """A machine may reboot or power itself off: then it comes up again, or what it held is given back."""
        status = running.container.wait()
        machine = running.machine
        with self._locked(machine.id):
            if self._running.get(machine.id) is not running:
                return
            try:
                self._release(machine.id)
                if status == REBOOT_STATUS:
                    self._boot(machine)
                else:
                    del self._running[machine.id]
            except HypervisorError:
                _log.exception("droplet %s is off: it ended with status %s", machine.id, status)

    def _release(self, machine_id: int) -> None:
        # What the machine did to its network (its own firewall, addresses) ends with its power, as in memory.
        self._networks.detach(f"droplet:{machine_id}")
        self._disk(machine_id).unmount()
        self._cgroups.remove(_member(machine_id))

    def _path(self, machine_id: int) -> Path:
        return self._directory / str(machine_id)

    def _disk(self, machine_id: int) -> Disk:
        return Disk(self._path(machine_id))

    def _image(self, machine: Machine) -> Path:
        try:
            return self._images[machine.image]
        except KeyError:
            raise HypervisorError(
                f"there is no image {machine.image!r} here, only {', '.join(sorted(self._images))}"
            ) from None

    @contextmanager
    def _locked(self, machine_id: int) -> Iterator[None]:
        with self._guard:
            lock = self._locks[machine_id]
        with lock:
            yield


def _member(machine_id: int) -> str:
    return f"droplet-{machine_id}"
