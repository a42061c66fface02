"""Which connections are tried from which host, and what has to come of each, by the table of flows.

A forbidden connection must end in silence: an answer, and even a refusal, is a packet that came back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from components.flows import Endpoint, Port, open_flows
from stacks.verification.hosts import Member, Tenancy, sample

TCP_PORTS = (
    22, 25, 53, 80, 111, 443, 2375, 3000, 3306, 5432,
    5678, 6379, 6443, 8080, 8443, 9090, 9443, 10250, 25060, 25061,
)  # fmt: skip
"""Twenty: remote shells, mail, names, the web, databases, containers, n8n, and every port of our own."""

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

    `target` says what is there, and `side` on which side of the VPC's border it is.
    """

    source: Member
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


def attempts(tenancies: Sequence[Tenancy]) -> list[Attempt]:
    """Everything to try, for all tenants together."""
    everyone = [member for tenancy in tenancies for member in tenancy.members]
    targets = sample(everyone, SAMPLE)
    sources = [member for member in everyone if member.is_host]
    return [
        attempt for source in sources for attempt in (*_to_members(source, targets), *_to_internet(source))
    ]


def _to_members(source: Member, targets: Sequence[Member]) -> Iterator[Attempt]:
    for target in targets:
        if target == source:
            continue
        own = target.tenant == source.tenant
        for port in PORTS:
            permitted = own and is_permitted(source.tier, target.tier, port)
            name = target.tier.value if own else f"{target.tenant}'s {target.tier.value}"
            yield Attempt(
                source=source,
                target=name,
                side="own VPC" if own else target.tenant,
                address=target.address,
                port=port,
                permitted=permitted,
            )


def _to_internet(source: Member) -> Iterator[Attempt]:
    for address in INTERNET_ADDRESSES:
        for port in PORTS:
            permitted = is_permitted(source.tier, Endpoint.MODEL_APIS, port)
            yield Attempt(
                source=source,
                target="internet",
                side="internet",
                address=address,
                port=port,
                permitted=permitted,
            )


def is_permitted(source: Endpoint, destination: Endpoint, port: Port) -> bool:
    """Whether an open flow of the table lets it through."""
    return any(
        (source in flow.sources or Endpoint.ANY_HOST in flow.sources)
        and destination in flow.destinations
        and port in flow.ports
        for flow in open_flows()
    )
