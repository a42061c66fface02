"""The table of permitted flows: what may talk to what, and nothing else may. Imports nothing of Tenantry.

Cloud firewalls, hosts' UFW rules, the tailnet's policy, the databases' trusted sources, docs/flows.md and the
isolation tests are all made from it. It doesn't know addresses or tags: whoever opens a flow translates its
ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Endpoint(StrEnum):
    """An end of a flow. `ANY_HOST` stands for every droplet of the tenant."""

    AGENT = "agent"
    GUARDRAIL = "guardrail"
    DATABASE = "database"
    CACHE = "cache"
    VAULT = "vault (mesh)"
    MODEL_APIS = "model APIs"
    CONTROL_PLANE = "control plane (mesh)"
    ANY_HOST = "any host"
    MESH = "mesh coordination and relays"
    MESH_PEERS = "mesh peers, directly"


HOST_TIERS = (Endpoint.AGENT, Endpoint.GUARDRAIL)
"""The tiers whose members are droplets, with a cloud firewall and a UFW each."""

TIERS = (*HOST_TIERS, Endpoint.DATABASE, Endpoint.CACHE)
"""Everything inside a tenant's VPC; each tier is a tag."""

OVER_THE_MESH = (Endpoint.VAULT, Endpoint.CONTROL_PLANE)
"""Ends that a tenant's hosts know by their mesh addresses alone.

Such a flow is inside WireGuard: the tailnet's policy and the hosts' firewalls see it, a cloud firewall can't.
"""

BY_TAILSCALED = (Endpoint.MESH, Endpoint.MESH_PEERS)
"""Ends that only a host's tailscaled may speak to: host firewalls match the process's owner."""


@dataclass(frozen=True, kw_only=True, order=True)
class Port:
    """A destination port."""

    number: int
    protocol: Literal["tcp", "udp"] = "tcp"

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Connections that `sources` may open to `destinations`; answers pass by connection tracking."""

    sources: tuple[Endpoint, ...]
    destinations: tuple[Endpoint, ...]
    ports: tuple[Port, ...]
    how: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of a host's firewall. `peer` is the source of inbound, the destination of outbound traffic."""

    direction: Literal["inbound", "outbound"]
    peer: Endpoint
    port: Port
    why: str


FLOWS: tuple[Flow, ...] = (
    Flow(
        sources=(Endpoint.AGENT,),
        destinations=(Endpoint.GUARDRAIL,),
        ports=(Port(number=8443),),
        how="mTLS",
        why="every model call, every way out",
    ),
    Flow(
        sources=(Endpoint.AGENT,),
        destinations=(Endpoint.DATABASE,),
        ports=(Port(number=25060),),
        how="TLS",
        why="memory, state",
    ),
    Flow(
        sources=(Endpoint.AGENT,),
        destinations=(Endpoint.CACHE,),
        ports=(Port(number=25061),),
        how="TLS",
        why="sessions, queues",
    ),
    Flow(
        sources=(Endpoint.GUARDRAIL,),
        destinations=(Endpoint.DATABASE,),
        ports=(Port(number=25060),),
        how="TLS",
        why="verdicts, audit",
    ),
    Flow(
        sources=(Endpoint.GUARDRAIL,),
        destinations=(Endpoint.VAULT,),
        ports=(Port(number=8200),),
        how="TLS",
        why="the customer's keys",
    ),
    Flow(
        sources=(Endpoint.GUARDRAIL,),
        destinations=(Endpoint.MODEL_APIS,),
        ports=(Port(number=443),),
        how="TLS, by an allow-list of names in the guardrail",
        why="the only way out to the internet",
    ),
    Flow(
        sources=(Endpoint.CONTROL_PLANE,),
        destinations=(Endpoint.AGENT, Endpoint.GUARDRAIL),
        ports=(Port(number=22), Port(number=9443)),
        how="SSH, TLS",
        why="operations, runtime API",
    ),
    Flow(
        sources=(Endpoint.CONTROL_PLANE,),
        destinations=(Endpoint.VAULT,),
        ports=(Port(number=8200),),
        how="TLS",
        why="mounts, policies, one-time secret ids",
    ),
    Flow(
        sources=(Endpoint.ANY_HOST,),
        destinations=(Endpoint.MESH,),
        ports=(Port(number=443), Port(number=3478, protocol="udp")),
        how="TLS and STUN, by the tailscale process alone",
        why="the mesh itself",
    ),
    Flow(
        sources=(Endpoint.ANY_HOST,),
        destinations=(Endpoint.MESH_PEERS,),
        ports=(Port(number=41641, protocol="udp"),),
        how="WireGuard, by the tailscale process alone",
        why="the mesh without a relay",
    ),
)


def rules_of(tier: Endpoint) -> tuple[Rule, ...]:
    """What the firewalls of a tier's hosts let through, in both directions, in the table's order.

    Raises ValueError for an endpoint that has no hosts of ours.
    """
    if tier not in HOST_TIERS:
        hosts = ", ".join(HOST_TIERS)
        msg = (
            f"{tier.value!r} is no tier of hosts, so it has no host firewall; the tiers of hosts are {hosts}"
        )
        raise ValueError(msg)
    return tuple(_rules_of(tier))


def _rules_of(tier: Endpoint) -> Iterator[Rule]:
    for flow in FLOWS:
        for port in flow.ports:
            if tier in _expanded(flow.sources):
                for peer in flow.destinations:
                    yield Rule(direction="outbound", peer=peer, port=port, why=flow.why)
            if tier in _expanded(flow.destinations):
                for peer in flow.sources:
                    yield Rule(direction="inbound", peer=peer, port=port, why=flow.why)


def _expanded(ends: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    return HOST_TIERS if Endpoint.ANY_HOST in ends else ends


def clients_of(service: Endpoint) -> tuple[Endpoint, ...]:
    """The tiers that may connect to a service: the trusted sources of a database or a cache."""
    return tuple(
        dict.fromkeys(
            source for flow in FLOWS if service in flow.destinations for source in _expanded(flow.sources)
        )
    )


def port_of(service: Endpoint) -> Port:
    """The one port at which a service is reached. Raises ValueError when the table has not just one."""
    ports = {port for flow in FLOWS if service in flow.destinations for port in flow.ports}
    if len(ports) != 1:
        found = ", ".join(map(str, sorted(ports))) or "none"
        msg = f"{service.value!r} needs just one port in the table of flows and has {found}; mend the table"
        raise ValueError(msg)
    return ports.pop()


def as_markdown() -> str:
    """The table as docs/flows.md shows it."""
    lines = ["| from | to | port | how | why |", "| --- | --- | --- | --- | --- |"]
    for flow in FLOWS:
        cells = (
            ", ".join(flow.sources),
            ", ".join(flow.destinations),
            ", ".join(map(str, flow.ports)),
            flow.how,
            flow.why,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
