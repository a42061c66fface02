"""A tenant's private network: project, tags, VPC, the NAT gateway, and a cloud firewall per tier of hosts.

Deliberately no public address but the gateway's, and no way between tenants: VPC peering is never made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_digitalocean as digitalocean

from components.flows import HOST_TIERS, TIERS, Endpoint, Rule, rules_of
from components.naming import project_name, resource_name, tenant_tag, tier_tag
from components.props import props
from components.tokens import TENANT_NETWORK

INTERNET = ("0.0.0.0/0", "::/0")

_ENVIRONMENTS = ("Development", "Staging", "Production")


@dataclass(frozen=True, kw_only=True)
class TenantNetworkArgs:
    """`ip_range` is a CIDR between /16 and /28; `environment` is one of DigitalOcean's for projects."""

    tenant: str
    region: str
    ip_range: str
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
        rules = rules_of(tier)
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
        """A peer that is a tier of hosts is a tag; a database is no droplet, so it is the VPC's range."""
        peer: dict[str, list[str]]
        if rule.peer in HOST_TIERS:
            peer = {f"{end}_tags": [tier_tag(self._args.tenant, rule.peer)]}
        elif rule.peer in TIERS:
            peer = {f"{end}_addresses": [self._args.ip_range]}
        else:
            peer = {f"{end}_addresses": list(INTERNET)}
        return {"protocol": rule.port.protocol, "port_range": str(rule.port.number), **peer}
