"""A policy file as it is meant: every name resolved, ports and protocols as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

Network = IPv4Network | IPv6Network
PortRange = tuple[int, int]

ANY_PORT: PortRange = (0, 65535)
TCP, UDP = 6, 17
USUAL_PROTOCOLS = frozenset({1, TCP, UDP, 58})
"""What a rule is about that names no protocol: TCP, UDP and ICMP."""

OWNER = "owner@local.tailnet"
"""The one user of the local tailnet: API keys and untagged devices are its."""


@dataclass(frozen=True)
class Target:
    """Whom a rule means, by `name` as it is written; `network` is set when that is an address or a host."""

    kind: Literal["any", "user", "group", "tag", "autogroup", "network"]
    name: str
    network: Network | None = None


@dataclass(frozen=True)
class Destination:
    """A target's ports. `written` is how the file has it."""

    target: Target
    ports: tuple[PortRange, ...]
    written: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Traffic that is let through. `place` is its section, and where in it."""

    sources: tuple[Target, ...]
    destinations: tuple[Destination, ...]
    protocol: str
    protocols: frozenset[int]
    place: tuple[Literal["acls", "grants"], int]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must be let through and what must not, from one source."""

    source: Target
    protocols: frozenset[int]
    accept: tuple[Destination, ...]
    deny: tuple[Destination, ...]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`routes` and `exit_node` say who may route without being asked; a rule's groups are in `groups`."""

    rules: tuple[Rule, ...] = ()
    tests: tuple[Expectation, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tag_owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    routes: Mapping[Network, tuple[Target, ...]] = field(default_factory=dict)
    exit_node: tuple[Target, ...] = ()
