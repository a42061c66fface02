"""Rules of the edge: a tenant has none of its own, and where there is one, it speaks TLS alone."""

from collections.abc import Callable, Iterator
from typing import Any

from policies.reading import UNKNOWN, Resource, read
from policies.resource_types import (
    CDN,
    CERTIFICATE,
    DNS_RECORD,
    DOMAIN,
    FLOATING_IP,
    LOAD_BALANCER,
    PARTNER_ATTACHMENT,
    RESERVED_IP,
    VPC_PEERING,
)
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, Theme, nist, soc2

RESERVED_ADDRESSES = (
    RESERVED_IP,
    FLOATING_IP,
    "digitalocean:index/byoipPrefix:ByoipPrefix",
    "digitalocean:index/floatingIpAssignment:FloatingIpAssignment",
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
    "digitalocean:index/reservedIpv6:ReservedIpv6",
    "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment",
)

_TLS = ("https", "http2", "http3")


def _never(finding: Finding) -> Callable[[Resource, Config], Iterator[Finding]]:
    def check(_resource: Resource, _config: Config) -> Iterator[Finding]:
        yield finding

    return check


def _in_no_tenant(finding: Finding) -> Callable[[Resource, Config], Iterator[Finding]]:
    def check(resource: Resource, _config: Config) -> Iterator[Finding]:
        if resource.is_of_a_tenant:
            yield finding

    return check


NO_VPC_PEERING = ResourceRule(
    name="no-vpc-peering",
    theme=Theme.NETWORK,
    title="No VPC is joined to another network.",
    why="A peering is a way between tenants, whatever the ends' firewalls are today.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Take it out: what tenants share, they reach over the mesh.",
    unknowns="there are none: the type alone is refused, in every stack",
    types=(VPC_PEERING, PARTNER_ATTACHMENT),
    check=_never("it joins networks that have to stay apart"),
)

NO_RESERVED_IP = ResourceRule(
    name="no-reserved-ip",
    theme=Theme.NETWORK,
    title="A tenant has no reserved address.",
    why="It is an address on the internet, and stays with a tenant whatever host it is given to.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Take it out: the way out is the VPC's NAT gateway, the way in is the mesh.",
    unknowns="there are none: the type alone is refused",
    types=RESERVED_ADDRESSES,
    check=_in_no_tenant("it gives a tenant an address on the internet"),
)

NO_LOAD_BALANCER = ResourceRule(
    name="no-load-balancer",
    theme=Theme.NETWORK,
    title="A tenant has no load balancer.",
    why="It is open to the internet, and no cloud firewall can be put before it.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Take it out: a tenant's services are reached over the mesh.",
    unknowns="there are none: the type alone is refused",
    types=(LOAD_BALANCER,),
    check=_in_no_tenant("it opens a tenant to the internet"),
)

NO_DOMAIN = ResourceRule(
    name="no-domain",
    theme=Theme.NETWORK,
    title="A tenant has no domain, record, certificate or CDN.",
    why="A public name tells the world who the customers are, and points at a tenant.",
    severity=Severity.HIGH,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Take it out: hosts know each other by names that are given to them, and have no DNS.",
    unknowns="there are none: the type alone is refused",
    types=(DOMAIN, DNS_RECORD, CERTIFICATE, CDN),
    check=_in_no_tenant("it gives a tenant a public name"),
)


def _speaks_tls(balancer: Resource, _config: Config) -> Iterator[Finding]:
    rules = list(balancer.items("forwardingRules"))
    if not rules:
        yield "`forwardingRules` aren't given, so DigitalOcean decides what it listens to"
    for number, rule in enumerate(rules):
        protocol, passthrough = read(rule, "entryProtocol"), read(rule, "tlsPassthrough")
        if UNKNOWN in (protocol, passthrough):
            yield f"`forwardingRules[{number}]` isn't known before the update: write it out"
        elif protocol not in _TLS and passthrough is not True:
            yield f"`forwardingRules[{number}].entryProtocol` is not one of TLS"
    if any(_may_be_80(read(rule, "entryPort")) for rule in rules) and (
        balancer.get("redirectHttpToHttps") is not True
    ):
        yield "`redirectHttpToHttps` isn't true, and it listens on 80"


def _may_be_80(port: Any) -> bool:
    return port is UNKNOWN or str(port) in ("80", "80.0")


EDGE_TLS_ONLY = ResourceRule(
    name="edge-tls-only",
    theme=Theme.NETWORK,
    title="A load balancer speaks TLS alone.",
    why="What comes in the clear can be read, and changed, by everybody on its way.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.7")),
    remediation="Let each of `forwardingRules` enter by https, http2 or http3, and redirect http to it.",
    unknowns="refused: protocols and ports are decided in the code",
    types=(LOAD_BALANCER,),
    check=_speaks_tls,
)

RULES: tuple[Rule, ...] = (NO_VPC_PEERING, NO_RESERVED_IP, NO_LOAD_BALANCER, NO_DOMAIN, EDGE_TLS_ONLY)
