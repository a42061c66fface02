"""A tenant's private network: project, tags, VPC, the NAT gateway, and a cloud firewall per tier of hosts.

Deliberately no public address but the gateway's, and no way between tenants: VPC peering is never made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_digitalocean as digitalocean

from components.flows import HOST_TIERS, OVER_THE_MESH, TIERS, Endpoint, Rule, rules_of
from components.mesh import Mesh
from components.naming import project_name, resource_name, tenant_tag, tier_tag
from components.props import props
from components.tokens import TENANT_NETWORK

INTERNET = ("0.0.0.0/0", "::/0")
"""Where the models' providers are: their addresses change, so the guardrail's list is of names."""

_ENVIRONMENTS = ("Development", "Staging", "Production")


@dataclass(frozen=True, kw_only=True)
class TenantNetworkArgs:
    """`ip_range` is a CIDR between /16 and /28; `environment` is one of DigitalOcean's for projects.

    Of `mesh`, the cloud firewalls take the ranges that hosts may speak to.
    """

    tenant: str
    region: str
    ip_range: str
    mesh: Mesh
    environment: str = "Production"
    nat_gateway_size: int = 1

    def __post_init__(self) -> None:
        if self.environment not in _ENVIRONMENTS:
            msg = f"environment is {self.environment!r}; DigitalOcean knows {', '.join(_ENVIRONMENTS)}"
            raise ValueError(msg)


class TenantNetwork(pulumi.ComponentResource):
    """Whoever adds a droplet comes after this component, so that no droplet is up without its firewall."""

    project_id: pulumi.Output[str]
    vpc_id: pulumi.Output[str]
    nat_gateway_id: pulumi.Output[str]
    firewall_ids: dict[str, pulumi.Output[str]]
    tags: Sequence[digitalocean.Tag]

    def __init__(
        self, name: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(TENANT_NETWORK, name, props(args), opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.project_id = self._project().id
        self.tags = self._tags()
        vpc = self._vpc()
        self.vpc_id = vpc.id
        self.nat_gateway_id = self._nat_gateway(vpc).id
        self.firewall_ids = {tier.value: self._firewall(tier).id for tier in HOST_TIERS}
        self.register_outputs(
            {
                "project_id": self.project_id,
                "vpc_id": self.vpc_id,
                "nat_gateway_id": self.nat_gateway_id,
                "firewall_ids": self.firewall_ids,
            }
        )

    def _project(self) -> digitalocean.Project:
        name = project_name(self._args.tenant)
        return digitalocean.Project(
            name,
            name=name,
            description=f"Everything of the tenant {self._args.tenant}",
            purpose="Service or API",
            environment=self._args.environment,
            opts=self._child,
        )

    def _tags(self) -> Sequence[digitalocean.Tag]:
        names = [tenant_tag(self._args.tenant), *(tier_tag(self._args.tenant, tier) for tier in TIERS)]
        return [digitalocean.Tag(name, name=name, opts=self._child) for name in names]

    def _vpc(self) -> digitalocean.Vpc:
        name = resource_name(self._args.tenant, "network", "vpc")
        return digitalocean.Vpc(
            name,
            name=name,
            description=f"The private network of the tenant {self._args.tenant}",
            region=self._args.region,
            ip_range=self._args.ip_range,
            opts=self._child,
        )

    def _nat_gateway(self, vpc: digitalocean.Vpc) -> digitalocean.VpcNatGateway:
        name = resource_name(self._args.tenant, "network", "nat")
        return digitalocean.VpcNatGateway(
            name,
            name=name,
            type="PUBLIC",
            region=self._args.region,
            size=self._args.nat_gateway_size,
            project_id=self.project_id,
            vpcs=[{"vpc_uuid": vpc.id, "default_gateway": True}],
            opts=self._child,
        )

    def _firewall(self, tier: Endpoint) -> digitalocean.Firewall:
        name = resource_name(self._args.tenant, "firewall", tier)
        rules = [rule for rule in rules_of(tier) if self._peers(rule)]
        return digitalocean.Firewall(
            name,
            name=name,
            tags=[tier_tag(self._args.tenant, tier)],
            inbound_rules=[self._rule("source", rule) for rule in rules if rule.direction == "inbound"],
            outbound_rules=[
                self._rule("destination", rule) for rule in rules if rule.direction == "outbound"
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self.tags)),
        )

    def _rule(self, end: str, rule: Rule) -> Any:
        kind = "tags" if rule.peer in HOST_TIERS else "addresses"
        return {
            "protocol": rule.port.protocol,
            "port_range": str(rule.port.number),
            f"{end}_{kind}": self._peers(rule),
        }

    def _peers(self, rule: Rule) -> list[str]:
        """A peer that is a tier of hosts is a tag; a database is no droplet, so it is the VPC's range.

        Nothing at all when it is in the mesh: what is inside WireGuard, a cloud firewall can't see.
        """
        if rule.peer in OVER_THE_MESH:
            return []
        if rule.peer in HOST_TIERS:
            return [tier_tag(self._args.tenant, rule.peer)]
        if rule.peer in TIERS:
            return [self._args.ip_range]
        mesh = {Endpoint.MESH: self._args.mesh.coordination, Endpoint.MESH_PEERS: self._args.mesh.peers}
        return list(mesh.get(rule.peer, INTERNET))
