"""The tailnet's policy file, made from the table of flows: who may talk to whom over the mesh.

Only flows with an end that is known by its mesh address are in it; everything else about a tenant passes by
its VPC, where WireGuard plays no part. Deliberately no groups and no people: machines are let in by tag, and
a person acts as the control plane. `tests` says what must pass and what must not: Tailscale refuses a file
that fails its own tests, so a later edit by hand can't quietly open what is shut here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from components.flows import FLOWS, HOST_TIERS, OVER_THE_MESH, Endpoint, Flow
from components.naming import CONTROL_PLANE_TAG, VAULT_TAG, mesh_tag

MARK = "// Written by Tenantry's stack `platform`"
"""The first line begins with it: by it our own file is told from one that somebody wrote."""

HEADER = f"""\
{MARK} from the table of flows (components/flows.py).
// Don't edit it here: the next `python -m stacks.up platform` would undo that.
"""

PROTOCOL = "tcp"
ADMINISTRATORS = "autogroup:admin"

NEIGHBOURS = 10
"""How many others a tenant is tested against: a file that tested every pair would grow with their square.
That no rule joins two tenants follows from how rules are made; every tenant is in the tests of some.
"""

Json = dict[str, Any]


def policy_text(tenants: Iterable[str]) -> str:
    """The policy file, as HuJSON: the same text for the same tenants, in whatever order they come."""
    return f"{HEADER}{json.dumps(policy(tenants), indent=2)}\n"


def policy(tenants: Iterable[str]) -> Json:
    """The policy file as data. With no tenants, the control plane still reaches the vault."""
    named = sorted(set(tenants))
    return {"tagOwners": _owners(named), "acls": list(_rules(named)), "tests": list(_tests(named))}


def mesh_flows() -> tuple[Flow, ...]:
    """The flows of the table that pass through the mesh."""
    return tuple(flow for flow in FLOWS if set(OVER_THE_MESH).intersection(flow.sources + flow.destinations))


def _owners(tenants: Sequence[str]) -> Json:
    """Who may give a tag to a device: the control plane makes the tenants' keys, and none of its like."""
    shared = {tag: [ADMINISTRATORS] for tag in (CONTROL_PLANE_TAG, VAULT_TAG)}
    return shared | {tag: [ADMINISTRATORS, CONTROL_PLANE_TAG] for tag in _all_tags(tenants)}


def _all_tags(tenants: Sequence[str]) -> list[str]:
    return [mesh_tag(tenant, tier) for tenant in tenants for tier in HOST_TIERS]


def _tags(ends: Iterable[Endpoint], tenants: Sequence[str]) -> list[str]:
    return list(chain.from_iterable(_tags_of(end, tenants) for end in ends))


def _tags_of(end: Endpoint, tenants: Sequence[str]) -> list[str]:
    match end:
        case Endpoint.CONTROL_PLANE:
            return [CONTROL_PLANE_TAG]
        case Endpoint.VAULT:
            return [VAULT_TAG]
        case Endpoint.ANY_HOST:
            return _all_tags(tenants)
        case _ if end in HOST_TIERS:
            return [mesh_tag(tenant, end) for tenant in tenants]
    msg = f"{end.value!r} is no member of the mesh, so no flow over the mesh can end there; mend the table"
    raise ValueError(msg)


def _rules(tenants: Sequence[str]) -> Iterator[Json]:
    for flow in mesh_flows():
        sources, destinations = _tags(flow.sources, tenants), _tags(flow.destinations, tenants)
        ports = ",".join(str(port.number) for port in flow.ports)
        if sources and destinations:
            yield {
                "action": "accept",
                "src": sources,
                "proto": PROTOCOL,
                "dst": [f"{tag}:{ports}" for tag in destinations],
            }


def _tests(tenants: Sequence[str]) -> Iterator[Json]:
    """For each member of the mesh: every end and port of the table is either in `accept` or in `deny`."""
    shared = [CONTROL_PLANE_TAG, VAULT_TAG]
    open_ends = _open_ends(tenants)
    for source in shared:
        yield _test(source, [*shared, *_all_tags(tenants)], open_ends)
    for tenant in tenants:
        members = [*shared, *_all_tags(_neighbours(tenant, tenants))]
        for source in _all_tags([tenant]):
            yield _test(source, members, open_ends)


def _neighbours(tenant: str, tenants: Sequence[str]) -> list[str]:
    """The tenant, and those that follow it in the ring of all."""
    first = tenants.index(tenant)
    return sorted((*tenants[first:], *tenants[:first])[: NEIGHBOURS + 1])


def _test(source: str, members: Sequence[str], open_ends: frozenset[tuple[str, str]]) -> Json:
    ends = [f"{tag}:{port}" for tag in members for port in _probed_ports()]
    accepted = [end for end in ends if (source, end) in open_ends]
    denied = [end for end in ends if (source, end) not in open_ends]
    return {"src": source, "proto": PROTOCOL} | _filled(accept=accepted, deny=denied)


def _filled(**lists: list[str]) -> Json:
    """Without the empty ones, which Tailscale's own editor leaves out too."""
    return {name: entries for name, entries in lists.items() if entries}


def _open_ends(tenants: Sequence[str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (source, f"{tag}:{port.number}")
        for flow in mesh_flows()
        for source in _tags(flow.sources, tenants)
        for tag in _tags(flow.destinations, tenants)
        for port in flow.ports
    )


def _probed_ports() -> list[int]:
    """Every port that a member of the mesh listens at, for one purpose or another."""
    listening = {*HOST_TIERS, *OVER_THE_MESH}
    return sorted(
        {port.number for flow in FLOWS if listening.intersection(flow.destinations) for port in flow.ports}
    )
