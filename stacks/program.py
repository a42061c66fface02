"""`program(spec)`: one tenant's whole stack. `pulumi up` and the Automation API call the same function.

A stack owns everything that is one customer's and nothing else: destroying it leaves nothing behind.
"""

from typing import Any

import pulumi
import pulumi_digitalocean as digitalocean

from components.agents import Agent, AgentCluster, AgentClusterArgs
from components.cache import Cache, CacheArgs
from components.database import DATABASE, USERS, VectorDatabase, VectorDatabaseArgs
from components.guardrail import Guardrail, GuardrailArgs
from components.host import HardenedHost
from components.naming import resource_name
from components.network import TenantNetwork, TenantNetworkArgs
from stacks.addressing import Ledger, range_of
from stacks.catalogue import Catalogue, refuse_unknown
from stacks.spec import TenantSpec
from stacks.spec_errors import Problem, SpecError


def program(spec: TenantSpec) -> None:
    """Declares the tenant's resources and outputs (docs/components.md) in the current stack.

    Raises SpecError before any resource is declared, when the spec can't be brought up here.
    """
    _refuse_other_stack(spec)
    block = range_of(spec.tenant, spec.ip_range, spec.addresses, Ledger.read())
    refuse_unknown(spec, Catalogue.of_digitalocean())
    _Tenant(spec, str(block)).export()


def _refuse_other_stack(spec: TenantSpec) -> None:
    stack = pulumi.get_stack()
    if stack != spec.tenant:
        fix = f"a tenant's stack has its name: select the stack {spec.tenant}, or write tenant: {stack}"
        raise SpecError(f"stack {stack}", [Problem(field="tenant", value=repr(spec.tenant), fix=fix)])


class _Tenant:
    """The components of a tenant, each made from the spec and from what came before it."""

    def __init__(self, spec: TenantSpec, ip_range: str) -> None:
        self._spec = spec
        self._ip_range = ip_range
        self.network = self._network()
        self.database = self._database()
        self.cache = self._cache()
        self._names = pulumi.Output.all(
            self.database.host, self.database.address, self.cache.host, self.cache.address
        )
        self.guardrail = self._guardrail()
        self.agents = self._agents()
        self.hosts = [self.guardrail.host, *self.agents.hosts.values()]
        self._join_project()

    def _network(self) -> TenantNetwork:
        args = TenantNetworkArgs(tenant=self._spec.tenant, region=self._spec.region, ip_range=self._ip_range)
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
        """After the database's users and firewall, since its first boot grants rights over the network."""
        args = GuardrailArgs(
            tenant=self._spec.tenant,
            region=self._spec.region,
            size=self._spec.guardrail.size,
            image=self._spec.image,
            ip_range=self._ip_range,
            ssh_keys=self._spec.ssh_keys,
            vpc_id=self.network.vpc_id,
            names=self._names.apply(lambda known: {known[0]: known[1]}),
            database=self.database.access("guardrail"),
            administrator=self.database.administrator,
            after=[self.network, self.database],
        )
        return Guardrail(resource_name(self._spec.tenant, "guardrail", "main"), args)

    def _agents(self) -> AgentCluster:
        args = AgentClusterArgs(
            tenant=self._spec.tenant,
            region=self._spec.region,
            image=self._spec.image,
            ip_range=self._ip_range,
            ssh_keys=self._spec.ssh_keys,
            agents=[Agent(**agent.model_dump()) for agent in self._spec.agents],
            vpc_id=self.network.vpc_id,
            names=self._names.apply(lambda known: {known[0]: known[1], known[2]: known[3]}),
            database=self.database.access("agents"),
            cache=self.cache.access,
            after=[self.network],
        )
        return AgentCluster(resource_name(self._spec.tenant, "agent", "main"), args)

    def _join_project(self) -> None:
        """Databases and the gateway are born into the project; droplets have to be put there."""
        digitalocean.ProjectResources(
            resource_name(self._spec.tenant, "project", "droplets"),
            project=self.network.project_id,
            resources=[host.droplet_urn for host in self.hosts],
        )

    def export(self) -> None:
        """What verification, recovery and operations need to know; passwords apart, as secrets."""
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
        pulumi.export("database_passwords", {user: self._password(user) for user in USERS})
        pulumi.export("cache_password", self.cache.access.apply(lambda access: access.password))

    def _password(self, user: str) -> pulumi.Output[str]:
        return self.database.access(user).apply(lambda access: access.password)


def _host(host: HardenedHost) -> dict[str, Any]:
    return {"id": host.droplet_id, "tier": host.tier.value, "private_address": host.private_address}


def _service(service: VectorDatabase | Cache) -> dict[str, Any]:
    return {
        "cluster_id": service.cluster_id,
        "host": service.host,
        "address": service.address,
        "port": service.port,
        "certificate": service.certificate,
    }
