"""Which connections are tried from which host, and what has to come of each, by the table of flows.

A forbidden connection must end in silence: an answer, and even a refusal, is a packet that came back.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from components.flows import FLOWS, OVER_THE_MESH, Endpoint, Port
from components.naming import PLATFORM
from stacks.verification.hosts import Member, Shared, Tenancy, sample

TCP_PORTS = (
    22, 25, 53, 80, 111, 443, 2375, 3000, 3306, 5432, 5678,
    6379, 6443, 8080, 8200, 8443, 9090, 9443, 10250, 25060, 25061,
)  # fmt: skip
"""Remote shells, mail, names, the web, databases, containers, n8n, the vault, and every port of our own."""

UDP_PORTS = (53, 123, 3478, 41641)
PORTS = (
    *(Port(number=number) for number in TCP_PORTS),
    *(Port(number=number, protocol="udp") for number in UDP_PORTS),
)

LISTENERS = [[port.protocol, port.number] for port in PORTS]
"""What hosts listen on meanwhile: something must be there for silence to prove anything."""

INTERNET_ADDRESSES = ("1.1.1.1", "8.8.8.8", "198.51.100.7")
"""Two resolvers that tunnels like, and an address of documentation's; the local cloud answers for all."""

SAMPLE = 2
"""Hosts of a tier that others try to reach."""

PERMITTED_SECONDS = 10.0
FORBIDDEN_SECONDS = 2.0
"""Long enough for a lost first packet to be sent again, after 1 s."""

Result = Literal["answered", "open", "refused", "silent", "unreachable"]
PASSED: frozenset[str] = frozenset({"answered", "open"})
SHUT: frozenset[str] = frozenset({"silent", "unreachable"})


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One connection that is tried.

    `tenant` is whose guarantee it is; `target` says what is there, and `side` in which network it is.
    """

    source: Member
    tenant: str
    target: str
    side: str
    address: str
    port: Port
    permitted: bool

    @property
    def wire(self) -> list[object]:
        """As the probe program takes it."""
        seconds = PERMITTED_SECONDS if self.permitted else FORBIDDEN_SECONDS
        return [self.port.protocol, self.address, self.port.number, seconds]

    def is_right(self, result: str) -> bool:
        return result in (PASSED if self.permitted else SHUT)


def attempts(tenancies: Sequence[Tenancy], common: Shared) -> list[Attempt]:
    """Everything to try, for all tenants together; the operator is a source too."""
    everyone = [member for tenancy in tenancies for member in tenancy.members]
    targets = sample(everyone, SAMPLE)
    sources = [member for member in everyone if member.is_host]
    return [
        *(each for source in sources for each in _from_host(source, targets, common)),
        *_over_the_mesh(common.operator, [*targets, common.vault]),
    ]


def _from_host(source: Member, targets: Sequence[Member], common: Shared) -> Iterator[Attempt]:
    yield from _in_the_vpc(source, targets)
    yield from _over_the_mesh(source, [*targets, common.vault, common.operator])
    permitted = [port for port in PORTS if is_permitted(source.tier, Endpoint.MODEL_APIS, port)]
    for address in INTERNET_ADDRESSES:
        yield from _internet(source, "internet", address, permitted=permitted)
    # Open to tailscaled alone, and this is another process.
    yield from _internet(source, Endpoint.MESH.value, common.coordination, permitted=())


def _in_the_vpc(source: Member, targets: Sequence[Member]) -> Iterator[Attempt]:
    for target in targets:
        if target != source:
            side = "own VPC" if target.tenant == source.tenant else "other tenants' VPCs"
            yield from _to(source, target, target.address, side=side)


def _over_the_mesh(source: Member, targets: Sequence[Member]) -> Iterator[Attempt]:
    for target in targets:
        if target != source and target.mesh_address is not None:
            yield from _to(source, target, target.mesh_address, side=_side(source, target))


def _side(source: Member, target: Member) -> str:
    if not target.tenant:
        return target.tier.value
    other = source.tenant and source.tenant != target.tenant
    return "other tenants, over the mesh" if other else "own tenant, over the mesh"


def _to(source: Member, target: Member, address: str, *, side: str) -> Iterator[Attempt]:
    foreign = bool(source.tenant and target.tenant) and source.tenant != target.tenant
    in_the_mesh = address == target.mesh_address
    for port in PORTS:
        yield Attempt(
            source=source,
            tenant=source.tenant or target.tenant or PLATFORM,
            target=f"{target.tenant}'s {target.tier.value}" if foreign else target.tier.value,
            side=side,
            address=address,
            port=port,
            permitted=not foreign and is_permitted(source.tier, target.tier, port, in_the_mesh=in_the_mesh),
        )


def _internet(source: Member, target: str, address: str, *, permitted: Collection[Port]) -> Iterator[Attempt]:
    for port in PORTS:
        yield Attempt(
            source=source,
            tenant=source.tenant,
            target=target,
            side="internet",
            address=address,
            port=port,
            permitted=port in permitted,
        )


def is_permitted(source: Endpoint, destination: Endpoint, port: Port, *, in_the_mesh: bool = False) -> bool:
    """Whether a flow of the table lets it through: one over the mesh has an end that is known there alone."""
    return any(
        (source in flow.sources or Endpoint.ANY_HOST in flow.sources)
        and destination in flow.destinations
        and port in flow.ports
        and in_the_mesh == bool({source, destination} & set(OVER_THE_MESH))
        for flow in FLOWS
    )
