"""What stands in `src` and `dst`: users, groups, tags, autogroups, addresses, hosts, ports, protocols."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from local_cloud.tailscale.policy.errors import PolicyError, PolicyUnsupportedError
from local_cloud.tailscale.policy.model import (
    ANY_PORT,
    USUAL_PROTOCOLS,
    Destination,
    Network,
    PortRange,
    Target,
)

ROLES = ("owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor")
AUTOGROUPS = frozenset(
    f"autogroup:{name}" for name in ("member", "members", "tagged", "self", "internet", "danger-all", *ROLES)
)
MEMBERS = frozenset({"autogroup:member", "autogroup:members"})
OF_USERS = MEMBERS | {f"autogroup:{role}" for role in ROLES}
"""Autogroups of devices that belong to users."""

PROTOCOLS: Mapping[str, frozenset[int]] = {
    "": USUAL_PROTOCOLS,
    "icmp": frozenset({1, 58}),
    "igmp": frozenset({2}),
    "ipv4": frozenset({4}),
    "ip-in-ip": frozenset({4}),
    "tcp": frozenset({6}),
    "egp": frozenset({8}),
    "igp": frozenset({9}),
    "udp": frozenset({17}),
    "gre": frozenset({47}),
    "esp": frozenset({50}),
    "ah": frozenset({51}),
    "sctp": frozenset({132}),
}
WITH_PORTS = frozenset({6, 17, 132})


def network(text: str) -> Network | None:
    """An address or a range, or None for another text."""
    try:
        return ip_network(text.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names that a policy file declares."""

    groups: Collection[str]
    tags: Collection[str]
    hosts: Mapping[str, Network]

    def target(self, text: str, place: str) -> Target:
        """Raises PolicyError, which gives `place`, for what nobody can be."""
        if text == "*":
            return Target("any", text)
        kind = text.partition(":")[0] if ":" in text else ""
        if kind == "group":
            return Target("group", _declared(text, self.groups, place, "group"))
        if kind == "tag":
            return Target("tag", _declared(text, self.tags, place, "tag"))
        if kind == "autogroup":
            return Target("autogroup", _declared(text, AUTOGROUPS, place, "autogroup"))
        if kind in {"ipset", "svc", "user", "host"}:
            raise PolicyUnsupportedError(f'{place}: "{text}": headscale has no {kind}:… in its rules')
        if "@" in text:
            return Target("user", text)
        if address := self.hosts.get(text) or network(text):
            return Target("network", text, address)
        raise PolicyError(f'{place}: "{text}" is no user, group, tag, autogroup, address or host')

    def destination(self, text: str, place: str) -> Destination:
        """Of a target and ports, `tag:web:80,443`."""
        name, separator, given = text.rpartition(":")
        if not separator or any(text in declared for declared in (self.groups, self.tags, AUTOGROUPS)):
            raise PolicyError(f'{place}: "{text}" has no port: write "{text}:*" or a port after a colon')
        return Destination(self.target(name, place), ports(given, place), text)


def _declared(text: str, declared: Collection[str], place: str, kind: str) -> str:
    if text not in declared:
        raise PolicyError(f'{place}: {kind} not found: "{text}"')
    return text


def ports(text: str, place: str) -> tuple[PortRange, ...]:
    """`*`, or numbers and ranges between commas. Raises PolicyError."""
    if text == "*":
        return (ANY_PORT,)
    return tuple(_port_range(part.strip(), place) for part in text.split(","))


def _port_range(text: str, place: str) -> PortRange:
    first, separator, last = text.partition("-")
    numbers = (first, last if separator else first)
    if not all(number.isascii() and number.isdecimal() and int(number) <= 65535 for number in numbers):
        raise PolicyError(f'{place}: "{text}" is no port: ports are 0 to 65535, "80-90" or "*"')
    low, high = (int(number) for number in numbers)
    if low > high:
        raise PolicyError(f'{place}: "{text}" is no range: {low} is above {high}')
    return low, high


def protocols(text: str, place: str) -> frozenset[int]:
    """By name or by IANA's number. Raises PolicyError."""
    if text.isascii() and text.isdecimal() and int(text) <= 255:
        return frozenset({int(text)})
    if text.lower() not in PROTOCOLS:
        raise PolicyError(f'{place}: unknown protocol "{text}"')
    return PROTOCOLS[text.lower()]


def check_ports_fit(numbers: frozenset[int], given: tuple[PortRange, ...], place: str) -> None:
    """Raises PolicyError for ports of a protocol that has none."""
    if given != (ANY_PORT,) and not numbers & WITH_PORTS:
        raise PolicyError(f'{place}: this protocol has no ports: write "*" for the port')
