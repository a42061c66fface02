"""What headscale is told of a policy: only what it knows, and in its own words.

headscale 0.26.1 has no grants, no tests and no roles. So grants become acls, hosts and groups what they stand
for, and roles the one user of the tailnet. Owners of tags are left out: who may give a tag is decided by the
API, when it makes a key or changes a device.
"""

import json
from collections.abc import Iterable, Iterator

from local_cloud.tailscale.policy.model import ANY_PORT, OWNER, Destination, Policy, PortRange, Rule, Target
from local_cloud.tailscale.policy.names import OF_USERS


def for_headscale(policy: Policy, member: str) -> str:
    """The file. `member` is how headscale calls the user whose devices have no tag."""
    return json.dumps(
        {
            "tagOwners": {tag: [] for tag in policy.tag_owners},
            "acls": [rule for one in policy.rules for rule in _acl(policy, one, member)],
            "autoApprovers": {
                "routes": {
                    str(route): _names(policy, approvers, member)
                    for route, approvers in policy.routes.items()
                },
                "exitNode": _names(policy, policy.exit_node, member),
            },
        },
        indent=2,
    )


def _acl(policy: Policy, rule: Rule, member: str) -> Iterator[dict[str, object]]:
    """None for a rule that concerns nobody: headscale takes an empty list for everybody in some places."""
    sources = _names(policy, rule.sources, member)
    destinations = [
        f"{name}:{_ports(end.ports)}" for end in rule.destinations for name in _ends(policy, end, member)
    ]
    if sources and destinations:
        protocol = {"proto": rule.protocol.lower()} if rule.protocol else {}
        yield {"action": "accept", **protocol, "src": sources, "dst": destinations}


def _ends(policy: Policy, end: Destination, member: str) -> list[str]:
    if end.target.name == "autogroup:self":
        return [member]  # all untagged devices have one and the same user
    return _names(policy, (end.target,), member)


def _names(policy: Policy, targets: Iterable[Target], member: str) -> list[str]:
    return list(dict.fromkeys(name for target in targets for name in _told(policy, target, member)))


def _told(policy: Policy, target: Target, member: str) -> Iterable[str]:
    match target.kind:
        case "network":
            return (str(target.network),)
        case "user":
            return (_user(target.name, member),)
        case "group":
            return (_user(user, member) for user in policy.groups.get(target.name, ()))
        case "autogroup":
            return _autogroup(policy, target.name, member)
        case "any" | "tag":
            return (target.name,)


def _autogroup(policy: Policy, name: str, member: str) -> Iterable[str]:
    if name in OF_USERS:
        return (member,)
    if name == "autogroup:tagged":
        return policy.tag_owners.keys()
    return ("*",) if name == "autogroup:danger-all" else (name,)


def _user(name: str, member: str) -> str:
    return member if name == OWNER else name


def _ports(ranges: tuple[PortRange, ...]) -> str:
    if ranges == (ANY_PORT,):
        return "*"
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)
