"""From the text of a policy file to what it means, checked."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from local_cloud.tailscale.policy import names
from local_cloud.tailscale.policy.document import Acl, Document, Grant, PolicyTest, document
from local_cloud.tailscale.policy.errors import PolicyError, PolicyUnsupportedError
from local_cloud.tailscale.policy.hujson import parse
from local_cloud.tailscale.policy.model import (
    ANY_PORT,
    TCP,
    UDP,
    USUAL_PROTOCOLS,
    Destination,
    Expectation,
    Network,
    Policy,
    Rule,
    Target,
)
from local_cloud.tailscale.policy.names import Names

ROUTES = "autoApprovers.routes"

ALLOW_ALL = Rule(
    sources=(Target("any", "*"),),
    destinations=(Destination(Target("any", "*"), (ANY_PORT,), "*:*"),),
    protocol="",
    protocols=USUAL_PROTOCOLS,
    place=("acls", 0),
)
"""What holds in a file that has neither `acls` nor `grants`."""


@lru_cache(maxsize=8)
def read(text: str) -> Policy:
    """Raises PolicyError, or PolicyUnsupportedError for what headscale can't enforce."""
    value = parse(text)
    if not isinstance(value, dict):
        raise PolicyError("a policy file is an object: { … }")
    found = document(value)
    _refuse_unsupported(found)
    known = _names(found)
    _check_bystanders(found, known)
    approvers = found.auto_approvers
    return Policy(
        rules=tuple(_rules(found, known)),
        tests=read_tests(found.tests, known),
        groups={name: tuple(members) for name, members in found.groups.items()},
        tag_owners={tag: tuple(owners) for tag, owners in found.tag_owners.items()},
        routes={
            _range(route, ROUTES): _targets(who, known, f"{ROUTES}.{route}")
            for route, who in approvers.routes.items()
        },
        exit_node=_targets(approvers.exit_node, known, "autoApprovers.exitNode"),
    )


def read_tests(found: Iterable[PolicyTest], known: Names) -> tuple[Expectation, ...]:
    return tuple(_test(test, known, f"tests[{index}]") for index, test in enumerate(found))


def names_of(text: str) -> Names:
    """The names that a policy file declares, for tests that come without one."""
    return _names(document(parse(text)))


def _names(found: Document) -> Names:
    for group, members in found.groups.items():
        _check_prefix("groups", group, "group:")
        for member in members:
            if "@" not in member:
                raise PolicyError(f'groups.{group}: "{member}" is no user: give an e-mail address')
    for tag in found.tag_owners:
        _check_prefix("tagOwners", tag, "tag:")
    hosts: dict[str, Network] = {}
    for name, address in found.hosts.items():
        if ":" in name or "@" in name or name == "*":
            raise PolicyError(f'hosts: "{name}" is no name for a host: leave out ":", "@" and "*"')
        hosts[name] = _range(address, f"hosts.{name}")
    return Names(groups=found.groups.keys(), tags=found.tag_owners.keys(), hosts=hosts)


def _check_prefix(section: str, name: str, prefix: str) -> None:
    if not name.startswith(prefix) or name == prefix:
        raise PolicyError(f'{section}: "{name}" has to begin with "{prefix}"')


def _range(text: str, place: str) -> Network:
    found = names.network(text)
    if found is None:
        raise PolicyError(f'{place}: "{text}" is no address and no range')
    return found


def _refuse_unsupported(found: Document) -> None:
    parts: Mapping[str, object] = {
        "sshTests": found.ssh_tests,
        "defaultSrcPosture": found.default_src_posture,
        "ipsets": found.ipsets,
        "derpMap": found.derp_map,
        "attrConfig": found.attr_config,
        "autoApprovers.services": found.auto_approvers.services,
        "acls' srcPosture": [rule for rule in found.acls or () if rule.src_posture],
        "grants' app": [grant for grant in found.grants or () if grant.app],
        "grants' via": [grant for grant in found.grants or () if grant.via],
        "grants' srcPosture": [grant for grant in found.grants or () if grant.src_posture],
        "tests' srcPostureAttrs": [test for test in found.tests if test.src_posture_attrs],
    }
    for part, value in parts.items():
        if value:
            raise PolicyUnsupportedError(f"{part}: headscale can't enforce it: leave it out here")


def _check_bystanders(found: Document, known: Names) -> None:
    """Names in sections that nothing on this machine acts upon have to exist all the same."""
    for index, rule in enumerate(found.ssh):
        _targets((*rule.src, *rule.dst), known, f"ssh[{index}]")
    for index, attribute in enumerate(found.node_attrs):
        _targets(attribute.target, known, f"nodeAttrs[{index}]")
    for tag, owners in found.tag_owners.items():
        _targets(owners, known, f"tagOwners.{tag}")


def _targets(texts: Iterable[str], known: Names, place: str) -> tuple[Target, ...]:
    return tuple(known.target(text, place) for text in texts)


def _rules(found: Document, known: Names) -> Iterator[Rule]:
    if found.acls is None and found.grants is None:
        yield ALLOW_ALL
    for index, acl in enumerate(found.acls or ()):
        yield _acl(acl, known, index)
    for index, grant in enumerate(found.grants or ()):
        yield from _grant(grant, known, index)


def _acl(acl: Acl, known: Names, index: int) -> Rule:
    place = f"acls[{index}]"
    numbers = names.protocols(acl.proto, f"{place}.proto")
    destinations = tuple(known.destination(text, f"{place}.dst") for text in acl.dst)
    for destination in destinations:
        names.check_ports_fit(numbers, destination.ports, f"{place}.dst")
    sources = _targets(acl.src, known, f"{place}.src")
    _check_self(sources, (destination.target for destination in destinations), place)
    return Rule(
        sources=sources,
        destinations=destinations,
        protocol=acl.proto,
        protocols=numbers,
        place=("acls", index),
    )


def _grant(grant: Grant, known: Names, index: int) -> Iterator[Rule]:
    """A rule for each of its `ip`: `443`, `tcp:443` or `icmp:*`."""
    place = f"grants[{index}]"
    sources = _targets(grant.src, known, f"{place}.src")
    targets = _targets(grant.dst, known, f"{place}.dst")
    _check_self(sources, targets, place)
    for text in grant.ip:
        protocol, _, given = text.rpartition(":")
        numbers = names.protocols(protocol, f"{place}.ip")
        ranges = names.ports(given, f"{place}.ip")
        names.check_ports_fit(numbers, ranges, f"{place}.ip")
        yield Rule(
            sources=sources,
            destinations=tuple(Destination(target, ranges, f"{target.name}:{given}") for target in targets),
            protocol=protocol,
            protocols=numbers,
            place=("grants", index),
        )


def _check_self(sources: Iterable[Target], destinations: Iterable[Target], place: str) -> None:
    """Only who has a user has devices of its own."""
    if any(target.name == "autogroup:self" for target in destinations):
        for source in sources:
            if source.kind not in {"user", "group"} and source.name not in names.OF_USERS:
                raise PolicyError(
                    f'{place}: autogroup:self is for users, and "{source.name}" in src is not only users'
                )


def _test(test: PolicyTest, known: Names, place: str) -> Expectation:
    source = known.target(test.src, f"{place}.src")
    if source.kind in {"any", "autogroup"}:
        raise PolicyError(f'{place}.src: "{test.src}" is too wide: name a user, group, tag, host or address')
    # Without a protocol, Tailscale looks whether TCP or UDP passes.
    numbers = names.protocols(test.proto, f"{place}.proto") if test.proto else frozenset({TCP, UDP})
    return Expectation(
        source=source,
        protocols=numbers,
        accept=tuple(_checked(text, known, f"{place}.accept") for text in test.accept),
        deny=tuple(_checked(text, known, f"{place}.deny") for text in test.deny),
    )


def _checked(text: str, known: Names, place: str) -> Destination:
    found = known.destination(text, place)
    low, high = found.ports[0]
    if len(found.ports) > 1 or low != high:
        raise PolicyError(f'{place}: "{text}" has to name one port')
    if found.target.kind in {"any", "autogroup"}:
        raise PolicyError(f'{place}: "{text}" is too wide: name a user, group, tag, host or address')
    return found
