"""The real things behind the API: networks, machines, volumes and database clusters as one.

It is told what to be and decides nothing; the layers above know why.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.databases import Databases
from local_cloud.hypervisor.machines.machines import Machines
from local_cloud.hypervisor.mesh.mesh import OPERATOR, Mesh
from local_cloud.hypervisor.model import DatabaseCluster, Machine, NatGateway, Policy, Volume, Vpc
from local_cloud.hypervisor.networks.networks import Networks
from local_cloud.hypervisor.vault import Vault
from local_cloud.hypervisor.volumes.volumes import Volumes
from local_cloud.settings import Settings, ToolchainManifest


class Hypervisor:
    """Methods block, may be called from several threads at once, and may be told the same thing twice.

    Each raises HypervisorError when the real thing can't be had.
    """

    def __init__(self, settings: Settings, manifest: ToolchainManifest) -> None:
        self._cgroups = Cgroups(settings.key)
        self._cgroups.remove_all()
        self._networks = Networks()
        self.mesh = Mesh(settings.state_dir / "mesh", manifest.tailscale, manifest.headscale, self._networks)
        self.vault = Vault(
            settings.state_dir / "vault",
            manifest.openbao,
            manifest.images["debian-12-x64"],
            self.mesh,
            self._cgroups,
        )
        self._volumes = Volumes(settings.state_dir / "volumes", self._cgroups)
        self._machines = Machines(
            settings.state_dir / "machines",
            manifest.images,
            self._networks,
            self._cgroups,
            self._volumes,
            settings.boot_concurrency,
            trusted=self.mesh.authority.certificate(),
        )
        self._databases = Databases(
            settings.state_dir / "databases",
            manifest.images,
            manifest.postgresql,
            manifest.valkey,
            self._networks,
            self._cgroups,
        )
        self._start_the_mesh()

    def _start_the_mesh(self) -> None:
        """All that are members of it from the start, at the same time."""
        with ThreadPoolExecutor() as pool:
            for started in (pool.submit(self.mesh.join, OPERATOR), pool.submit(self.vault.start)):
                started.result()

    # Networks
    def create_vpc(self, vpc: Vpc) -> None:
        self._networks.create_vpc(vpc)

    def delete_vpc(self, vpc_id: str) -> None:
        self._networks.delete_vpc(vpc_id)

    def create_nat_gateway(self, gateway: NatGateway) -> None:
        self._networks.create_nat_gateway(gateway)

    def delete_nat_gateway(self, gateway_id: str) -> None:
        self._networks.delete_nat_gateway(gateway_id)

    def apply_policies(self, policies: Mapping[str, Policy | None]) -> None:
        """Replace the policy of each endpoint named ("droplet:1"); None leaves it open."""
        self._networks.apply_policies(policies)

    def publish_names(self, names: Mapping[str, IPv4Address]) -> None:
        """Replace the whole set of names that the resolvers answer."""
        self._networks.publish_names(names)

    # Droplets
    def create_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._machines.create(machine, volumes)

    def start_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._machines.start(machine, volumes)

    def stop_machine(self, machine_id: int, *, graceful: bool) -> None:
        self._machines.stop(machine_id, graceful=graceful)

    def rebuild_machine(self, machine: Machine, volumes: Sequence[str] = ()) -> None:
        self._machines.rebuild(machine, volumes)

    def delete_machine(self, machine_id: int) -> None:
        self._machines.delete(machine_id)
        self._networks.forget(f"droplet:{machine_id}")

    def machine_is_running(self, machine_id: int) -> bool:
        return self._machines.is_running(machine_id)

    def machine_leader(self, machine_id: int) -> int | None:
        """The process id of the machine's init in the supervisor's process namespace; None when it is off."""
        return self._machines.leader(machine_id)

    # Volumes
    def create_volume(self, volume: Volume) -> None:
        self._volumes.create(volume)

    def resize_volume(self, volume_id: str, size_gib: int) -> None:
        self._volumes.resize(volume_id, size_gib)

    def delete_volume(self, volume_id: str) -> None:
        self._volumes.delete(volume_id)

    def attach_volume(self, volume: Volume, machine_id: int) -> None:
        self._machines.attach_volume(volume, machine_id)

    def detach_volume(self, volume_id: str, machine_id: int) -> None:
        self._machines.detach_volume(volume_id, machine_id)

    # Databases
    def create_database_cluster(self, cluster: DatabaseCluster) -> None:
        """Start the cluster; one that runs is changed to its new settings, memory, names or password."""
        self._databases.create_cluster(cluster)

    def delete_database_cluster(self, cluster_id: str) -> None:
        self._databases.delete_cluster(cluster_id)
        self._networks.forget(f"database:{cluster_id}")

    def create_database_user(self, cluster_id: str, name: str, password: str) -> None:
        self._databases.create_user(cluster_id, name, password)

    def delete_database_user(self, cluster_id: str, name: str) -> None:
        self._databases.delete_user(cluster_id, name)

    def create_database(self, cluster_id: str, name: str) -> None:
        self._databases.create_database(cluster_id, name)

    def delete_database(self, cluster_id: str, name: str) -> None:
        self._databases.delete_database(cluster_id, name)

    def database_ca_certificate(self, cluster_id: str) -> str:
        return self._databases.ca_certificate(cluster_id)

    # The vault
    def wait_for_vault(self) -> None:
        """Until the operator reaches it."""
        self.vault.wait_until_reached_from(OPERATOR.namespace)

    def seal_vault(self) -> None:
        self.vault.seal()

    def unseal_vault(self) -> None:
        self.vault.unseal()

    def close(self) -> None:
        """Stop everything, in order: what uses the networks first."""
        self._machines.close()
        self._databases.close()
        self._volumes.close()
        self.vault.close()
        self.mesh.close()
        self._networks.close()
        self._cgroups.remove_all()
