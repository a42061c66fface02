"""`program(spec)`: one tenant's whole stack. `pulumi up` and the Automation API call the same function.

A stack owns everything that is one customer's and nothing else: destroying it leaves nothing behind. Hosts
start beside the database and the cache, with nothing but a key to the mesh; what they need of these comes to
them through it.
"""

import os
from typing import Any

import pulumi
import pulumi_digitalocean as digitalocean

from components.access import VaultAccess
from components.agents import Agent, AgentCluster, AgentClusterArgs
from components.bootstrap import DatabaseBootstrap, DatabaseBootstrapArgs
from components.cache import Cache, CacheArgs
from components.database import DATABASE, USERS, VectorDatabase, VectorDatabaseArgs
from components.guardrail import Guardrail, GuardrailArgs
from components.host import HardenedHost
from components.mesh import Mesh
from components.naming import guardrail_name, resource_name
from components.network import TenantNetwork, TenantNetworkArgs
from components.release import build_release
from components.vault_layout import role_name
from stacks.addressing import Ledger, range_of
from stacks.catalogue import Catalogue, refuse_unknown
from stacks.platform_outputs import COMING, PlatformOutputs, refuse_unlisted
from stacks.project import RELEASES
from stacks.spec import TenantSpec
from stacks.spec_errors import Problem, SpecError


def program(spec: TenantSpec) -> None:
    """Declares the tenant's resources and outputs (docs/components.md) in the current stack.

    Raises SpecError, PlatformError before any resource is declared, when the spec can't be brought up here.
    """
    _refuse_other_stack(spec)
    block = range_of(spec.tenant, spec.ip_range, spec.addresses, Ledger.read())
    platform = PlatformOutputs.read()
    if pulumi.runtime.is_dry_run():
        platform = platform.expecting(filter(None, os.environ.get(COMING, "").split(",")))
    refuse_unlisted(spec.tenant, platform)
    refuse_unknown(spec, Catalogue.of_digitalocean())
    _Tenant(spec, str(block), platform).export()


def _refuse_other_stack(spec: TenantSpec) -> None:
    stack = pulumi.get_stack()
    if stack != spec.tenant:
        fix = f"a tenant's stack has its name: select the stack {spec.tenant}, or write tenant: {stack}"
        raise SpecError(f"stack {stack}", [Problem(field="tenant", value=repr(spec.tenant), fix=fix)])


class _Tenant:
    """The components of a tenant, each made from the spec and from what came before it."""

    def __init__(self, spec: TenantSpec, ip_range: str, platform: PlatformOutputs) -> None:
        self._spec = spec
        self._ip_range = ip_range
        self._platform = platform
        self._mesh = Mesh(
            login_server=platform.mesh.login_server,
            coordination=platform.mesh.coordination,
            peers=platform.mesh.peers,
        )
        self._wanted = [Agent(**agent.model_dump()) for agent in spec.agents]
        self._release = build_release(RELEASES)
        self.network = self._network()
        self.database = self._database()
        self.cache = self._cache()
        self.guardrail = self._guardrail()
        self._bootstrap()
        self.agents = self._agents()
        self.hosts = [self.guardrail.host, *self.agents.hosts.values()]
        self._join_project()

    def _network(self) -> TenantNetwork:
        args = TenantNetworkArgs(
            tenant=self._spec.tenant, region=self._spec.region, ip_range=self._ip_range, mesh=self._mesh
        )
        return TenantNetwork(resource_name(self._spec.tenant, "network", "main"), args)

    def _database(self) -> VectorDatabase:
        args = VectorDatabaseArgs(
            tenant=self._spec.tenant,
            region=self._spec.region,
            size=self._spec.database.size,
            version=self._spec.database.version,
            node_count=self._spec.database.node_count,
            vpc_id=self.network.vpc_id,
            project_id=self.network.project_id,
            protect=self._spec.deletion_protection,
            after=self.network.tags,
        )
        return VectorDatabase(resource_name(self._spec.tenant, "database", "main"), args)

    def _cache(self) -> Cache:
        args = CacheArgs(
            tenant=self._spec.tenant,
            region=self._spec.region,
            size=self._spec.cache.size,
            version=self._spec.cache.version,
            eviction_policy=self._spec.cache.eviction_policy,
            vpc_id=self.network.vpc_id,
            project_id=self.network.project_id,
            protect=self._spec.deletion_protection,
            after=self.network.tags,
        )
        return Cache(resource_name(self._spec.tenant, "cache", "main"), args)

    def _guardrail(self) -> Guardrail:
        tenant, platform = self._spec.tenant, self._platform
        args = GuardrailArgs(
            tenant=tenant,
            region=self._spec.region,
            size=self._spec.guardrail.size,
            image=self._spec.image,
            ip_range=self._ip_range,
            mesh=self._mesh,
            ssh_ca=platform.ssh_ca,
            ssh_keys=self._spec.ssh_keys,
            tenant_ca=platform.tenant_cas[tenant],
            vault=VaultAccess(address=platform.vault.address, certificate=platform.vault.certificate),
            role=role_name(tenant, "guardrail"),
            role_id=platform.role_ids[tenant]["guardrail"],
            vpc_id=self.network.vpc_id,
            names=_names((self.database.host, self.database.address)),
            agents=[name for agent in self._wanted for name in agent.host_names(tenant)],
            release=self._release,
            database=self.database.access("guardrail"),
            after=[self.network],
        )
        return Guardrail(resource_name(tenant, "guardrail", "main"), args)

    def _bootstrap(self) -> None:
        """After the database's users and trusted sources: it grants rights, over the network."""
        args = DatabaseBootstrapArgs(
            database=DATABASE,
            host=self.guardrail.host,
            administrator=self.database.administrator,
            after=[self.database, self.guardrail.delivery],
        )
        DatabaseBootstrap(resource_name(self._spec.tenant, "database", "bootstrap"), args)

    def _agents(self) -> AgentCluster:
        tenant, platform = self._spec.tenant, self._platform
        args = AgentClusterArgs(
            tenant=tenant,
            region=self._spec.region,
            image=self._spec.image,
            ip_range=self._ip_range,
            mesh=self._mesh,
            ssh_ca=platform.ssh_ca,
            ssh_keys=self._spec.ssh_keys,
            tenant_ca=platform.tenant_cas[tenant],
            role=role_name(tenant, "agent"),
            role_id=platform.role_ids[tenant]["agent"],
            agents=self._wanted,
            vpc_id=self.network.vpc_id,
            names=_names(
                (self.database.host, self.database.address),
                (self.cache.host, self.cache.address),
                (guardrail_name(tenant), self.guardrail.private_address),
            ),
            protect=self._spec.deletion_protection,
            release=self._release,
            guardrail=self.guardrail.enrolment,
            database=self.database.access("agents"),
            cache=self.cache.access,
            after=[self.network],
        )
        return AgentCluster(resource_name(tenant, "agent", "main"), args)

    def _join_project(self) -> None:
        """Databases and the gateway are born into the project; droplets have to be put there."""
        digitalocean.ProjectResources(
            resource_name(self._spec.tenant, "project", "droplets"),
            project=self.network.project_id,
            resources=[host.droplet_urn for host in self.hosts],
        )

    def export(self) -> None:
        """What verification, recovery and operations need to know; nothing of it is secret."""
        pulumi.export("tenant", self._spec.tenant)
        pulumi.export("region", self._spec.region)
        pulumi.export("ip_range", self._ip_range)
        pulumi.export("vpc_id", self.network.vpc_id)
        pulumi.export("project_id", self.network.project_id)
        pulumi.export("nat_gateway_id", self.network.nat_gateway_id)
        pulumi.export("firewall_ids", self.network.firewall_ids)
        pulumi.export("agents", [agent.model_dump() for agent in self._spec.agents])
        pulumi.export("hosts", {host.host_name: _host(host) for host in self.hosts})
        pulumi.export("database", {**_service(self.database), "database": DATABASE, "users": list(USERS)})
        pulumi.export("cache", {**_service(self.cache), "user": self.cache.user})
        pulumi.export("release", self._release.digest)


def _names(*names: tuple[pulumi.Input[str], pulumi.Input[str]]) -> pulumi.Output[dict[str, str]]:
    """Names that a host is to know, with their addresses: it has no DNS."""
    return pulumi.Output.all(*(part for name in names for part in name)).apply(
        lambda parts: dict(zip(parts[::2], parts[1::2], strict=True))
    )


def _host(host: HardenedHost) -> dict[str, Any]:
    return {
        "id": host.droplet_id,
        "tier": host.tier.value,
        "private_address": host.private_address,
        "mesh_address": host.mesh_address,
        "device_id": host.device_id,
        "host_key": host.host_key,
    }


def _service(service: VectorDatabase | Cache) -> dict[str, Any]:
    return {
        "cluster_id": service.cluster_id,
        "host": service.host,
        "address": service.address,
        "port": service.port,
        "certificate": service.certificate,
    }
