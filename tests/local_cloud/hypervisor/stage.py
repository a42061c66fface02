"""What the tests of machines and databases stand on: plain networks, the toolchain's images, short waits."""

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest
from isolation import enter

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.containers.entering import entering
from local_cloud.hypervisor.databases import Databases
from local_cloud.hypervisor.machines.machines import Machines
from local_cloud.hypervisor.model import DatabaseCluster, Interface, Machine
from local_cloud.hypervisor.volumes.volumes import Volumes

ROOT = Path(__file__).parents[3]
MANIFEST = ROOT / ".tenantry/toolchain.json"


class PlainNetworks:
    """Namespaces with the addresses on their loopback: who talks to whom is tested elsewhere."""

    def __init__(self) -> None:
        self._namespaces: dict[str, str] = {}

    def attach(
        self,
        endpoint: str,
        namespace: str,
        interfaces: Sequence[Interface],
        metadata: Mapping[str, Any] | None,  # noqa: ARG002 - as the real networks have it
        user_data: str | None,  # noqa: ARG002 - as the real networks have it
    ) -> Path:
        if endpoint not in self._namespaces:
            namespaces.create(namespace)
            self._namespaces[endpoint] = namespace
            with namespaces.links(namespace) as ip:
                loopback = ip.link_lookup(ifname="lo")[0]
                for interface in interfaces:
                    ip.addr("add", index=loopback, address=str(interface.address.ip), prefixlen=32)
        return namespaces.path_of(namespace)

    def detach(self, endpoint: str) -> None:
        namespace = self._namespaces.pop(endpoint, None)
        if namespace is not None:
            namespaces.remove(namespace)


def manifest() -> dict[str, Any]:
    if not MANIFEST.exists():
        pytest.fail(f"there is no {MANIFEST}: run `python -m toolchain`", pytrace=False)
    found: dict[str, Any] = json.loads(MANIFEST.read_text())
    return found


class MachineRoom:
    """Machines and volumes in a state directory. `restart` is what a killed supervisor leaves and finds."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.cgroups = enter()
        self._images = {name: Path(path) for name, path in manifest()["images"].items()}
        self._open()

    def _open(self) -> None:
        self.volumes = Volumes(self.state / "volumes", self.cgroups)
        self.machines = Machines(
            self.state / "machines",
            self._images,
            PlainNetworks(),
            self.cgroups,
            self.volumes,
            4,
            trusted="",
        )

    def restart(self) -> None:
        for machine_id in (1, 2):
            self.machines.stop(machine_id, graceful=False)
        self.volumes.close()
        self._open()

    def close(self) -> None:
        self.machines.close()
        self.volumes.close()
        self.cgroups.remove_all()

    def inside(self, *command: str, machine: int = 1) -> str:
        """What the command prints in the machine, of both its outputs; its status is not looked at."""
        leader = self.machines.leader(machine)
        assert leader is not None, f"machine {machine} is off"
        result = subprocess.run(entering(leader, command), capture_output=True, text=True, check=False)
        return (result.stdout + result.stderr).strip()

    def shell(self, script: str, machine: int = 1) -> str:
        return self.inside("sh", "-c", script, machine=machine)


@contextmanager
def machine_room(state: Path) -> Iterator[MachineRoom]:
    room = MachineRoom(state)
    try:
        yield room
    finally:
        room.close()


@contextmanager
def databases(state: Path) -> Iterator[Databases]:
    cgroups, found = enter(), manifest()
    images = {name: Path(path) for name, path in found["images"].items()}
    clusters = Databases(
        state / "databases",
        images,
        Path(found["postgresql"]),
        Path(found["valkey"]),
        PlainNetworks(),
        cgroups,
    )
    try:
        yield clusters
    finally:
        clusters.close()
        cgroups.remove_all()


def droplet(number: int = 1, **changes: Any) -> Machine:
    values: dict[str, Any] = {
        "id": number,
        "name": f"acme-agent-{number}",
        "image": "debian-12-x64",
        "vcpus": 2,
        "memory_mib": 1024,
        "disk_gib": 25,
        "interfaces": (),
        **changes,
    }
    return Machine(**values)


def cluster(engine: str, **changes: Any) -> DatabaseCluster:
    values: dict[str, Any] = {
        "id": f"9cc10173-e9ea-4176-9dbc-a4cee4c4ff3{0 if engine == 'pg' else 1}",
        "name": f"acme-{engine}",
        "engine": engine,
        "version": "18" if engine == "pg" else "8",
        "port": 25060 if engine == "pg" else 25061,
        "interfaces": (
            Interface(network="vpc", address=IPv4Interface("10.0.0.5/24"), mac="02:00:00:00:00:05"),
        ),
        "hostnames": (f"private-acme-{engine}.db.ondigitalocean.com",),
        "admin_user": "doadmin" if engine == "pg" else "default",
        "admin_password": f"AVNS_{secrets.token_hex(10)}",
        "memory_mib": 1024,
        **changes,
    }
    return DatabaseCluster(**values)


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
