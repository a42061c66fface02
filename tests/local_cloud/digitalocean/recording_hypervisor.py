"""A hypervisor that makes nothing and remembers everything, and fails where it is told to."""

import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from local_cloud.hypervisor.model import (
    DatabaseCluster,
    HypervisorError,
    Machine,
    NatGateway,
    Policy,
    Volume,
    Vpc,
)


class RecordingHypervisor:
    """`deeds` is all that was asked of it, `failing` what fails; boots wait for `boots` to be set."""

    def __init__(self) -> None:
        self.deeds: list[tuple[str, Any]] = []
        self.failing: set[str] = set()
        self.vpcs: dict[str, Vpc] = {}
        self.gateways: dict[str, NatGateway] = {}
        self.policies: dict[str, Policy | None] = {}
        self.names: dict[str, IPv4Address] = {}
        self.machines: dict[int, Machine] = {}
        self.running: set[int] = set()
        self.volumes: dict[str, Volume] = {}
        self.attached: dict[str, int] = {}
        self.clusters: dict[str, DatabaseCluster] = {}
        self.users: dict[tuple[str, str], str] = {}
        self.databases: set[tuple[str, str]] = set()
        self.boots = threading.Event()
        self.boots.set()

    def _did(self, deed: str, subject: Any) -> None:
        self.deeds.append((deed, subject))
        if deed in self.failing:
            raise HypervisorError(f"{deed} of {subject} was told to fail")

    def did(self, deed: str) -> list[Any]:
        return [subject for name, subject in self.deeds if name == deed]

    def recover(self) -> None:
        """Fails no more, and lets boots go on."""
        self.failing.clear()
        self.boots.set()

    @property
    def is_empty(self) -> bool:
        return not (
            self.vpcs or self.gateways or self.machines or self.volumes or self.clusters or self.names
        )

    def create_vpc(self, vpc: Vpc) -> None:
        self._did("create_vpc", vpc.id)
        self.vpcs[vpc.id] = vpc

    def delete_vpc(self, vpc_id: str) -> None:
        self._did("delete_vpc", vpc_id)
        self.vpcs.pop(vpc_id, None)

    def create_nat_gateway(self, gateway: NatGateway) -> None:
        self._did("create_nat_gateway", gateway.id)
        self.gateways[gateway.id] = gateway

    def delete_nat_gateway(self, gateway_id: str) -> None:
        self._did("delete_nat_gateway", gateway_id)
        self.gateways.pop(gateway_id, None)

    def apply_policies(self, policies: Mapping[str, Policy | None]) -> None:
        self._did("apply_policies", dict(policies))
        self.policies.update(policies)

    def publish_names(self, names: Mapping[str, IPv4Address]) -> None:
        self._did("publish_names", dict(names))
        self.names = dict(names)

    def create_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._boot("create_machine", machine, volumes)

    def start_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._boot("start_machine", machine, volumes)

    def rebuild_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._boot("rebuild_machine", machine, volumes)

    def _boot(self, deed: str, machine: Machine, volumes: Sequence[str]) -> None:
        assert self.boots.wait(10), "the test held the boots and never let them go"
        self._did(deed, machine.id)
        assert machine.endpoint in self.policies, "a machine booted before its firewall was there"
        assert all(one.network == "public" or one.network in self.vpcs for one in machine.interfaces)
        self.machines[machine.id] = machine
        self.running.add(machine.id)
        self.attached.update(dict.fromkeys(volumes, machine.id))

    def stop_machine(self, machine_id: int, *, graceful: bool) -> None:
        self._did("shutdown" if graceful else "kill", machine_id)
        self.running.discard(machine_id)

    def delete_machine(self, machine_id: int) -> None:
        self._did("delete_machine", machine_id)
        self.running.discard(machine_id)
        self.machines.pop(machine_id, None)

    def machine_is_running(self, machine_id: int) -> bool:
        return machine_id in self.running

    def machine_leader(self, machine_id: int) -> int | None:
        return 1000 + machine_id if machine_id in self.running else None

    def create_volume(self, volume: Volume) -> None:
        self._did("create_volume", volume.id)
        self.volumes[volume.id] = volume

    def resize_volume(self, volume_id: str, size_gib: int) -> None:
        self._did("resize_volume", (volume_id, size_gib))

    def delete_volume(self, volume_id: str) -> None:
        self._did("delete_volume", volume_id)
        self.volumes.pop(volume_id, None)

    def attach_volume(self, volume: Volume, machine_id: int) -> None:
        self._did("attach_volume", volume.id)
        self.attached[volume.id] = machine_id

    def detach_volume(self, volume_id: str, machine_id: int) -> None:
        self._did("detach_volume", (volume_id, machine_id))
        self.attached.pop(volume_id, None)

    def create_database_cluster(self, cluster: DatabaseCluster) -> None:
        assert self.boots.wait(10), "the test held the boots and never let them go"
        self._did("create_database_cluster", cluster.id)
        assert cluster.endpoint in self.policies, "a server started before its firewall was there"
        self.clusters[cluster.id] = cluster

    def delete_database_cluster(self, cluster_id: str) -> None:
        self._did("delete_database_cluster", cluster_id)
        self.clusters.pop(cluster_id, None)

    def create_database_user(self, cluster_id: str, name: str, password: str) -> None:
        self._did("create_database_user", name)
        self.users[cluster_id, name] = password

    def delete_database_user(self, cluster_id: str, name: str) -> None:
        self._did("delete_database_user", name)
        self.users.pop((cluster_id, name), None)

    def create_database(self, cluster_id: str, name: str) -> None:
        self._did("create_database", name)
        self.databases.add((cluster_id, name))

    def delete_database(self, cluster_id: str, name: str) -> None:
        self._did("delete_database", name)
        self.databases.discard((cluster_id, name))

    def database_ca_certificate(self, cluster_id: str) -> str:
        self._did("database_ca_certificate", cluster_id)
        return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

    def seal_vault(self) -> None:
        self._did("seal_vault", None)

    def unseal_vault(self) -> None:
        self._did("unseal_vault", None)

    def wait_for_vault(self) -> None:
        self._did("wait_for_vault", None)

    def close(self) -> None:
        self._did("close", None)
