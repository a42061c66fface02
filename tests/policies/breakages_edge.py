"""An edge, where none should be, and one that doesn't speak TLS."""

import pulumi_digitalocean as digitalocean
from breakage import Breakage


def _peering() -> None:
    ends = ["5a4981aa-9653-4bd1-bef5-d6bff52042e4", "e0fe0f4d-596a-465e-a902-571ce57b79fa"]
    digitalocean.VpcPeering("acme-network-peering", name="acme-network-peering", vpc_ids=ends)


def _load_balancer(tenant: str, protocol: str = "https") -> None:
    name = f"{tenant}-network-edge"
    rule = {
        "entry_protocol": protocol,
        "entry_port": 443,
        "target_protocol": protocol,
        "target_port": 8443,
        "tls_passthrough": protocol == "https",
    }
    rules = [digitalocean.LoadBalancerForwardingRuleArgs(**rule)]
    digitalocean.LoadBalancer(name, name=name, region="nyc3", forwarding_rules=rules)


def _domain() -> None:
    digitalocean.Domain("acme-network-domain", name="acme-network.example")


def _reserved_ip() -> None:
    digitalocean.ReservedIp("acme-network-address", region="nyc3")


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="peering",
        rule="no-vpc-peering",
        what="a tenant's network joined to another",
        extra=_peering,
    ),
    Breakage(
        name="reserved-ip",
        rule="no-reserved-ip",
        what="an address on the internet in a tenant's stack",
        extra=_reserved_ip,
    ),
    Breakage(
        name="load-balancer",
        rule="no-load-balancer",
        what="a load balancer in a tenant's stack",
        extra=lambda: _load_balancer("acme"),
    ),
    Breakage(
        name="domain",
        rule="no-domain",
        what="a public name in a tenant's stack",
        extra=_domain,
    ),
    Breakage(
        name="edge-in-the-clear",
        rule="edge-tls-only",
        what="a load balancer of the platform that speaks HTTP",
        extra=lambda: _load_balancer("platform", "http"),
        stack="platform",
    ),
)
