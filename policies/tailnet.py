"""Rules of the tailnet's policy file: who reaches whom over the mesh.

The file is the platform's, and Tailscale has only one of it: what it lets through is open for all tenants.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.flows import FLOWS, HOST_TIERS, OVER_THE_MESH, Endpoint
from components.naming import CONTROL_PLANE_TAG
from policies.reading import UNKNOWN, Resource
from policies.resource_types import TAILNET_POLICY
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, Theme, nist, soc2
from policies.tailnet_file import SECTIONS, SHARED, Member, denials, listed, member, openings, owners, parsed

_ADMINISTRATORS = "autogroup:admin"
_UNKNOWNS = "refused: the file follows from the platform's spec and the table of flows"


def _file(resource: Resource) -> Mapping[str, Any] | None:
    text = resource.get("acl")
    return parsed(text) if isinstance(text, str) else None


def _unread(resource: Resource) -> Finding:
    why = "isn't known before the update" if resource.get("acl") is UNKNOWN else "can't be read"
    return f"`acl` {why}, so nobody can tell what it lets through"


def _without_wildcards(resource: Resource, _config: Config) -> Iterator[Finding]:
    file = _file(resource)
    if file is None:
        yield _unread(resource)
        return
    yield from (f"`acl` has a section `{name}`, which no rule reads" for name in sorted(set(file) - SECTIONS))
    if not isinstance(file.get("acls"), list):
        yield "`acl` has no list `acls`, and without one Tailscale lets everybody reach everything"
    for number, rule in enumerate(listed(file.get("acls")), 1):
        if openings(rule) is None:
            yield f"`acls` {number} isn't of our form: tags of ours, accepted at single ports"
    if not isinstance(file.get("tagOwners"), Mapping):
        yield "`acl` doesn't say who gives which tag (`tagOwners`)"
    for tag, names in owners(file).items():
        if member(tag) is None or not _may_give(tag, names):
            yield f"`tagOwners` lets others than the control plane or administrators give `{tag}`"
    if resource.get("resetAclOnDestroy") not in (None, False):
        yield "`resetAclOnDestroy` leaves Tailscale's default behind, by which everybody reaches everything"


def _may_give(tag: str, names: object) -> bool:
    allowed = [_ADMINISTRATORS] if tag in SHARED else [_ADMINISTRATORS, CONTROL_PLANE_TAG]
    return isinstance(names, list) and all(name in allowed for name in names)


WITHOUT_WILDCARDS = ResourceRule(
    name="tailnet-policy-without-wildcards",
    theme=Theme.MESH,
    title="The tailnet's policy file names tags and ports, and no `*`, people or groups.",
    why=(
        "A `*` is every tenant that there is and that will come. The control plane's tag is administrators' "
        "to give: whoever can give it to a device enters every host."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.6")),
    remediation="Have components/tailnet_policy.py write it from the table of flows.",
    unknowns=_UNKNOWNS,
    types=(TAILNET_POLICY,),
    check=_without_wildcards,
)


def _apart(resource: Resource, _config: Config) -> Iterator[Finding]:
    file = _file(resource)
    if file is None:
        yield _unread(resource)
        return
    for number, rule in enumerate(listed(file.get("acls")), 1):
        opened = openings(rule)
        if opened is None:
            yield f"`acls` {number} can't be read, so it may lead from a tenant to a tenant"
        elif any(each.source.tenant and each.target.tenant for each in opened):
            yield f"`acls` {number} lets tenants' hosts reach tenants' hosts"
        elif any(each.source.tenant and each.target.end is not Endpoint.VAULT for each in opened):
            yield f"`acls` {number} lets tenants' hosts reach something else than the vault"


APART = ResourceRule(
    name="tailnet-policy-apart",
    theme=Theme.MESH,
    title="No rule of the tailnet's policy file leads from a tenant to a tenant, or anywhere but the vault.",
    why="The mesh spans all tenants. Inside of one, hosts speak over its VPC; between two, nothing may pass.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Take the rule out: tenants' hosts reach the vault over the mesh, and nothing else.",
    unknowns=_UNKNOWNS,
    types=(TAILNET_POLICY,),
    check=_apart,
)


def _from_the_table(resource: Resource, _config: Config) -> Iterator[Finding]:
    file = _file(resource)
    if file is None:
        yield _unread(resource)
        return
    permitted = _permitted()
    for number, rule in enumerate(listed(file.get("acls")), 1):
        opened = openings(rule)
        if opened is None or any(
            (each.source.end, each.target.end, each.port, each.protocol) not in permitted for each in opened
        ):
            yield f"`acls` {number} opens what is no row of the table of flows"


def _permitted() -> set[tuple[Endpoint, Endpoint, int, str]]:
    return {
        (source, target, port.number, port.protocol)
        for flow in FLOWS
        if set(OVER_THE_MESH).intersection(flow.sources + flow.destinations)
        for source in _expanded(flow.sources)
        for target in _expanded(flow.destinations)
        for port in flow.ports
    }


def _expanded(ends: Sequence[Endpoint]) -> Sequence[Endpoint]:
    return HOST_TIERS if Endpoint.ANY_HOST in ends else ends


FROM_THE_TABLE = ResourceRule(
    name="tailnet-policy-from-the-table",
    theme=Theme.MESH,
    title="What the tailnet's policy file opens is a row of the table of flows.",
    why="What else is open over the mesh is open past every cloud firewall: they can't see inside of it.",
    severity=Severity.CRITICAL,
    controls=(nist(3), soc2("CC6.6")),
    remediation="Change the table of flows (components/flows.py) first, and its reasons with it.",
    unknowns=_UNKNOWNS,
    types=(TAILNET_POLICY,),
    check=_from_the_table,
)


def _tested(resource: Resource, _config: Config) -> Iterator[Finding]:
    file = _file(resource)
    if file is None:
        yield _unread(resource)
        return
    members = {tag: found for tag in _tags(file) if (found := member(tag))}
    if not members:
        yield "`acl` has no tags, so its tests say nothing"
    denied = denials(file)
    for tag, own in members.items():
        wanted = _to_be_denied(own, list(members.values()))
        if not all(any(each in ends for each in denied.get(tag, ())) for ends in wanted):
            yield f"`tests` don't deny `{tag}` what isn't its to reach"


def _tags(file: Mapping[str, Any]) -> Iterator[str]:
    """Those with owners, and those that rules name without."""
    yield from owners(file)
    for rule in listed(file.get("acls")):
        if isinstance(rule, Mapping):
            yield from (tag for tag in listed(rule.get("src")) if isinstance(tag, str))


def _to_be_denied(own: Member, members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    """Of each of these, one at least: somebody; for a tenant, the control plane, and another tenant."""
    yield members
    others = [each for each in members if each.tenant not in (None, own.tenant)]
    if own.tenant:
        yield [each for each in members if each.end is Endpoint.CONTROL_PLANE]
    if others and own.end is not Endpoint.CONTROL_PLANE:
        yield others


TESTS_ITSELF = ResourceRule(
    name="tailnet-policy-tests-itself",
    theme=Theme.MESH,
    title="The tailnet's policy file has tests that deny every tenant another, and the control plane.",
    why=(
        "Tailscale refuses a file that fails its own tests, so an edit by hand in its console can't open "
        "quietly what is shut here."
    ),
    severity=Severity.HIGH,
    controls=(nist(7), soc2("CC8.1")),
    remediation="Have components/tailnet_policy.py write the file: it writes the tests too.",
    unknowns=_UNKNOWNS,
    types=(TAILNET_POLICY,),
    check=_tested,
)

RULES: tuple[Rule, ...] = (WITHOUT_WILDCARDS, APART, FROM_THE_TABLE, TESTS_ITSELF)
