"""A tenant's agents: a hardened host for each replica of each agent, all in the agents' tier.

An agent's kind and model are recorded and not yet acted upon: they are for the release that is put on the
host, so changing one must not replace the host, and user-data has neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.access import CacheAccess, DatabaseAccess
from components.delivery import HostDelivery, HostDeliveryArgs
from components.enrolment import Enrolment, EnrolmentArgs
from components.flows import Endpoint
from components.host import HardenedHost, HardenedHostArgs
from components.mesh import Mesh
from components.naming import agent_host_name
from components.props import props
from components.release import Release
from components.tokens import AGENT_CLUSTER
from components.volume import DataVolume, DataVolumeArgs, volume_name


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent; `replicas` droplets of `size` run it. `model` is `provider/model`.

    With `data_gib` each replica has a volume of that size, which outlives its droplet.
    """

    name: str
    kind: str
    model: str
    size: str
    replicas: int
    data_gib: int | None = None

    def host_names(self, tenant: str) -> list[str]:
        """The names of its droplets, replica 1 first."""
        return [agent_host_name(tenant, self.name, replica) for replica in range(1, self.replicas + 1)]


@dataclass(frozen=True, kw_only=True)
class AgentClusterArgs:
    """`names` maps the private names of database, cache and guardrail to addresses; hosts have no DNS.

    `guardrail` is the enrolment of the guardrail, which agents are enrolled through. `role` and `role_id` are
    their AppRole in the vault.
    """

    tenant: str
    region: str
    image: str
    ip_range: str
    mesh: Mesh
    ssh_ca: str
    ssh_keys: Sequence[str]
    tenant_ca: pulumi.Input[str]
    role: str
    role_id: pulumi.Input[str]
    agents: Sequence[Agent]
    vpc_id: pulumi.Input[str]
    names: pulumi.Input[Mapping[str, str]]
    protect: bool = True
    release: Release = field(metadata={"ordering": True})
    guardrail: Enrolment = field(metadata={"ordering": True})
    database: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    cache: pulumi.Output[CacheAccess] = field(repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class AgentCluster(pulumi.ComponentResource):
    """`hosts` has every replica's host by its name, in the order of the spec."""

    hosts: dict[str, HardenedHost]

    def __init__(self, name: str, args: AgentClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(AGENT_CLUSTER, name, props(args), opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.hosts = {
            host_name: self._replica(host_name, agent)
            for agent in args.agents
            for host_name in agent.host_names(args.tenant)
        }
        self.private_addresses = {name: host.private_address for name, host in self.hosts.items()}
        self.register_outputs({"private_addresses": self.private_addresses})

    def _replica(self, host_name: str, agent: Agent) -> HardenedHost:
        host = self._host(host_name, agent)
        volume = self._volume(host, agent.data_gib) if agent.data_gib else None
        delivery = self._delivery(host, volume)
        Enrolment(
            f"{host_name}-enrolment",
            EnrolmentArgs(
                role=self._args.role,
                role_id=self._args.role_id,
                host=host,
                through=self._args.guardrail,
                after=[delivery],
            ),
            opts=self._child,
        )
        return host

    def _host(self, host_name: str, agent: Agent) -> HardenedHost:
        args = self._args
        return HardenedHost(
            host_name,
            HardenedHostArgs(
                tenant=args.tenant,
                tier=Endpoint.AGENT,
                region=args.region,
                size=agent.size,
                image=args.image,
                ip_range=args.ip_range,
                mesh=args.mesh,
                ssh_ca=args.ssh_ca,
                ssh_keys=args.ssh_keys,
                vpc_id=args.vpc_id,
                after=args.after,
            ),
            opts=self._child,
        )

    def _volume(self, host: HardenedHost, gib: int) -> DataVolume:
        args = self._args
        return DataVolume(
            volume_name(host.host_name),
            DataVolumeArgs(
                tenant=args.tenant,
                tier=host.tier,
                region=args.region,
                gib=gib,
                droplet_id=host.droplet_id,
                protect=args.protect,
                after=args.after,
            ),
            opts=self._child,
        )

    def _delivery(self, host: HardenedHost, volume: DataVolume | None) -> HostDelivery:
        args = self._args
        return HostDelivery(
            f"{host.host_name}-delivery",
            HostDeliveryArgs(
                tenant=args.tenant,
                tenant_ca=args.tenant_ca,
                names=args.names,
                volume=volume.volume_name if volume else None,
                release=args.release,
                host=host,
                database=args.database,
                cache=args.cache,
                after=[volume] if volume else [],
            ),
            opts=self._child,
        )
