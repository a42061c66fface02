"""A tenant's agents: a hardened host for each replica of each agent, all in the agents' tier.

An agent's kind and model are recorded and not yet acted upon: they are for the release that is put on the
host, so changing one must not replace the host, and user-data has neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.cloud_init import CacheAccess, DatabaseAccess
from components.flows import Endpoint
from components.host import HardenedHost, HardenedHostArgs, hardened_user_data
from components.naming import agent_host_name
from components.props import props
from components.tokens import AGENT_CLUSTER


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent; `replicas` droplets of `size` run it. `model` is `provider/model`."""

    name: str
    kind: str
    model: str
    size: str
    replicas: int

    def host_names(self, tenant: str) -> list[str]:
        """The names of its droplets, replica 1 first."""
        return [agent_host_name(tenant, self.name, replica) for replica in range(1, self.replicas + 1)]


@dataclass(frozen=True, kw_only=True)
class AgentClusterArgs:
    """`names` maps the private names of database and cache to addresses; hosts have no DNS."""

    tenant: str
    region: str
    image: str
    ip_range: str
    ssh_keys: Sequence[str]
    agents: Sequence[Agent]
    vpc_id: pulumi.Input[str]
    names: pulumi.Input[Mapping[str, str]]
    database: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    cache: pulumi.Output[CacheAccess] = field(repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class AgentCluster(pulumi.ComponentResource):
    """`hosts` has every replica's host by its name, in the order of the spec."""

    hosts: dict[str, HardenedHost]

    def __init__(self, name: str, args: AgentClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(AGENT_CLUSTER, name, props(args), opts)
        self.hosts = {
            host_name: self._host(host_name, agent, args)
            for agent in args.agents
            for host_name in agent.host_names(args.tenant)
        }
        self.private_addresses = {name: host.private_address for name, host in self.hosts.items()}
        self.register_outputs({"private_addresses": self.private_addresses})

    def _host(self, host_name: str, agent: Agent, args: AgentClusterArgs) -> HardenedHost:
        return HardenedHost(
            host_name,
            HardenedHostArgs(
                tenant=args.tenant,
                tier=Endpoint.AGENT,
                region=args.region,
                size=agent.size,
                image=args.image,
                vpc_id=args.vpc_id,
                user_data=_user_data(host_name, args),
                after=args.after,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _user_data(host_name: str, args: AgentClusterArgs) -> pulumi.Output[str]:
    return hardened_user_data(
        host_name,
        Endpoint.AGENT,
        args.ip_range,
        args.ssh_keys,
        names=args.names,
        database=args.database,
        cache=args.cache,
    )
