"""Whether a policy lets one device reach another, and whether its own tests hold.

A test speaks of tags, users and addresses, not of devices. So it is run for every device that is known to be
meant, and for one more that nobody has seen yet: it has the tag or the user, and some address of the mesh. A
rule for a single address doesn't concern that one, only the device that really has the address.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network

from local_cloud.hypervisor.mesh.model import MESH_RANGE
from local_cloud.tailscale.policy.model import OWNER, Destination, Expectation, Network, Policy, Target
from local_cloud.tailscale.policy.names import MEMBERS

MESH_RANGES = (MESH_RANGE, IPv6Network("fd7a:115c:a1e0::/48"))


Known = Callable[[Target], Sequence["Device"]]


@dataclass(frozen=True, kw_only=True)
class Device:
    """What rules can know of an end of a connection. Who has a tag has no user any more."""

    networks: tuple[Network, ...]
    tags: frozenset[str] = frozenset()
    user: str | None = None


@dataclass(frozen=True)
class Failure:
    """A source whose tests don't hold, and why, in Tailscale's words."""

    source: str
    errors: tuple[str, ...]


def failures(policy: Policy, tests: Iterable[Expectation], devices: Sequence[Device] = ()) -> list[Failure]:
    """What doesn't hold, one for each source, in the order of the tests."""
    known = cache(lambda target: tuple(meant(policy, target, devices)))
    found: dict[str, list[str]] = {}
    for test in tests:
        if errors := list(_errors(policy, test, known)):
            found.setdefault(test.source.name, []).extend(errors)
    return [Failure(source, tuple(errors)) for source, errors in found.items()]


def _errors(policy: Policy, test: Expectation, known: Known) -> Iterator[str]:
    sources = known(test.source)
    whole = [Reach.of(policy, source, test.protocols) for source in sources]
    partly = [Reach.of(policy, source, test.protocols, partly=True) for source in sources]
    for wanted in test.accept:
        if not all(_verdicts(whole, wanted, known)):
            yield f'address "{wanted.written}": want: Accept, got: Drop'
    for unwanted in test.deny:
        if any(_verdicts(partly, unwanted, known)):
            yield f'address "{unwanted.written}": want: Drop, got: Accept'


def _verdicts(reaches: Sequence["Reach"], destination: Destination, known: Known) -> Iterator[bool]:
    """Of each source and each destination; nobody at all can't be reached."""
    ends = known(destination.target)
    if not reaches or not ends:
        yield False
    for reach in reaches:
        for end in ends:
            yield reach.covers(end, destination.ports[0][0])


def meant(policy: Policy, target: Target, devices: Sequence[Device]) -> list[Device]:
    """The devices that a test means by a name: those that are known, and what else it can be."""
    if target.network is not None:
        found = [device for device in devices if _touches(target.network, device.networks, partly=True)]
        return [*found, Device(networks=(target.network,))]
    unseen = {
        "tag": [Device(networks=MESH_RANGES, tags=frozenset({target.name}))],
        "user": [Device(networks=MESH_RANGES, user=target.name)],
        "group": [Device(networks=MESH_RANGES, user=user) for user in policy.groups.get(target.name, ())],
    }.get(target.kind, [])
    return [*(device for device in devices if concerns(policy, target, device, partly=False)), *unseen]


@dataclass(frozen=True)
class Reach:
    """What a policy opens to one source. `partly`: a part of a range, at either end, is enough."""

    policy: Policy
    source: Device
    ends: tuple[Destination, ...]
    partly: bool

    @classmethod
    def of(
        cls, policy: Policy, source: Device, protocols: frozenset[int], *, partly: bool = False
    ) -> "Reach":
        """By any of the protocols."""
        ends = tuple(
            end
            for rule in policy.rules
            if rule.protocols & protocols
            and any(concerns(policy, target, source, partly=partly) for target in rule.sources)
            for end in rule.destinations
        )
        return cls(policy, source, ends, partly)

    def covers(self, device: Device, port: int) -> bool:
        return any(
            any(low <= port <= high for low, high in end.ports) and self._concerns(end.target, device)
            for end in self.ends
        )

    def _concerns(self, target: Target, device: Device) -> bool:
        if target.name == "autogroup:self":
            return self.source.user is not None and self.source.user == device.user
        return concerns(self.policy, target, device, partly=self.partly)


def concerns(policy: Policy, target: Target, device: Device, *, partly: bool) -> bool:
    """Whether a rule that names the target is about the device."""
    match target.kind:
        case "any":
            return True
        case "tag":
            return target.name in device.tags
        case "user":
            return target.name == device.user
        case "group":
            return device.user in policy.groups.get(target.name, ())
        case "network":
            return target.network is not None and _touches(target.network, device.networks, partly=partly)
        case "autogroup":
            return _in_autogroup(target.name, device)


def _in_autogroup(name: str, device: Device) -> bool:
    if name in MEMBERS:
        return device.user is not None
    if name == "autogroup:tagged":
        return bool(device.tags)
    if name == "autogroup:internet":
        return not any(network.is_private or _in_mesh(network) for network in device.networks)
    if name == "autogroup:danger-all":
        return True
    # Every role is the owner's; autogroup:self depends on the source.
    return name != "autogroup:self" and device.user == OWNER


def _in_mesh(network: Network) -> bool:
    return any(_overlap(network, mesh) for mesh in MESH_RANGES)


def _touches(network: Network, others: Iterable[Network], *, partly: bool) -> bool:
    """Whether the network has all of one of the others; `partly`, a single address will do.

    Nobody knows the address of a device that has the whole mesh for one: a part of the mesh is not about it.
    """
    return any(
        _contains(network, other) or (partly and other not in MESH_RANGES and _overlap(network, other))
        for other in others
    )


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def _contains(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and other.subnet_of(network)
    return isinstance(other, IPv6Network) and other.subnet_of(network)
