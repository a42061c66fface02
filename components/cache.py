"""A tenant's Valkey cluster, and who may connect.

Deliberately with its default user alone: DigitalOcean has no management of users or databases for Valkey (its
API says so), so what keeps others out is the cluster's firewall and password.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_digitalocean as digitalocean

from components.access import CacheAccess
from components.flows import Endpoint, clients_of
from components.naming import resource_name, tenant_tag, tier_tag
from components.props import props
from components.resolve import ipv4_of
from components.tokens import CACHE


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """`eviction_policy` has DigitalOcean's spelling (`noeviction`, `allkeys_lru`, …)."""

    tenant: str
    region: str
    size: str
    version: str
    eviction_policy: str
    vpc_id: pulumi.Input[str]
    project_id: pulumi.Input[str]
    protect: bool = True
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class Cache(pulumi.ComponentResource):
    """Reached by `host`, its private name; `address` is what the name stands for, for hosts without DNS."""

    cluster_id: pulumi.Output[str]
    host: pulumi.Output[str]
    address: pulumi.Output[str]
    port: pulumi.Output[int]
    user: pulumi.Output[str]
    certificate: pulumi.Output[str]
    access: pulumi.Output[CacheAccess]

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(CACHE, name, props(args), opts)
        cluster = self._cluster(args)
        self.cluster_id = cluster.id
        self.host = cluster.private_host
        self.address = cluster.private_host.apply(ipv4_of)
        self.port = cluster.port
        self.user = cluster.user
        ca = digitalocean.get_database_ca_output(cluster_id=cluster.id)
        self.certificate = ca.apply(lambda result: result.certificate)
        self.access = self._access(cluster.password)
        self._firewall(args)
        self.register_outputs(
            {
                "cluster_id": self.cluster_id,
                "host": self.host,
                "address": self.address,
                "port": self.port,
                "user": self.user,
                "certificate": self.certificate,
            }
        )

    def _access(self, password: pulumi.Output[str]) -> pulumi.Output[CacheAccess]:
        known = pulumi.Output.all(
            host=self.host, port=self.port, user=self.user, password=password, certificate=self.certificate
        )
        return pulumi.Output.secret(known.apply(lambda values: CacheAccess(**values)))

    def _cluster(self, args: CacheArgs) -> digitalocean.DatabaseCluster:
        name = resource_name(args.tenant, "cache", "valkey")
        return digitalocean.DatabaseCluster(
            name,
            name=name,
            engine="valkey",
            version=args.version,
            region=args.region,
            size=args.size,
            node_count=1,
            eviction_policy=args.eviction_policy,
            private_network_uuid=args.vpc_id,
            project_id=args.project_id,
            tags=[tenant_tag(args.tenant), tier_tag(args.tenant, Endpoint.CACHE)],
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=list(args.after)),
        )

    def _firewall(self, args: CacheArgs) -> None:
        digitalocean.DatabaseFirewall(
            resource_name(args.tenant, "cache", "firewall"),
            cluster_id=self.cluster_id,
            rules=[
                {"type": "tag", "value": tier_tag(args.tenant, tier)} for tier in clients_of(Endpoint.CACHE)
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
