"""Networks, broken."""

import pulumi_digitalocean as digitalocean
from breakage import Breakage, setting

from policies.resource_types import DROPLET, VPC


def _second_vpc() -> None:
    name = "acme-network-second"
    digitalocean.Vpc(name, name=name, region="nyc3", ip_range="10.99.0.0/24")


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="public-interface",
        rule="droplet-no-public-interface",
        what="a guardrail with a public interface",
        apply=setting(DROPLET, name="-guardrail-1", public_networking=True),
    ),
    Breakage(
        name="ipv6-interface",
        rule="droplet-no-public-interface",
        what="agents with a public address of IPv6",
        apply=setting(DROPLET, name="-agent-", ipv6=True),
    ),
    Breakage(
        name="default-network",
        rule="droplet-names-a-vpc",
        what="a guardrail in the region's default network",
        apply=setting(DROPLET, name="-guardrail-1", vpc_uuid=None),
    ),
    Breakage(
        name="other-tenants-network",
        rule="droplet-in-its-tenants-vpc",
        what="agents in a network whose id is written out",
        apply=setting(DROPLET, name="-agent-", vpc_uuid="5a4981aa-9653-4bd1-bef5-d6bff52042e4"),
    ),
    Breakage(
        name="public-range",
        rule="vpc-range-private-and-small",
        what="a VPC with addresses that are somebody's on the internet",
        apply=setting(VPC, ip_range="198.51.100.0/24"),
    ),
    Breakage(
        name="large-range",
        rule="vpc-range-private-and-small",
        what="a VPC of 65536 addresses",
        apply=setting(VPC, ip_range="10.99.0.0/16"),
    ),
    Breakage(
        name="second-vpc",
        rule="vpc-ranges-apart",
        what="a second VPC in the tenant's stack",
        extra=_second_vpc,
    ),
)
