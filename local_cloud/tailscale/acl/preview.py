"""Which rules of a policy file are about a user, or about an address and port."""

from collections.abc import Callable, Sequence
from typing import Any

from local_cloud.tailscale.errors import BadRequestError
from local_cloud.tailscale.policy.errors import PolicyError
from local_cloud.tailscale.policy.evaluation import Device, concerns, meant
from local_cloud.tailscale.policy.hujson import element_lines
from local_cloud.tailscale.policy.model import Policy, Rule
from local_cloud.tailscale.policy.names import Names

Matches = Callable[[Rule], bool]


def preview(text: str, policy: Policy, devices: Sequence[Device], kind: str, wanted: str) -> dict[str, Any]:
    """Tailscale's answer. Raises BadRequestError for what is no user and no address."""
    matches = _matching(policy, devices, kind, wanted)
    lines = {section: element_lines(text, section) for section in ("acls", "grants")}
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for rule in filter(matches, policy.rules):
        section, index = rule.place
        line = lines[section][index] if index < len(lines[section]) else 0
        users = [target.name for target in rule.sources]
        match = found.setdefault(rule.place, {"users": users, "ports": [], "lineNumber": line})
        match["ports"] += [end.written for end in rule.destinations]
    return {"matches": list(found.values()), "type": kind, "previewFor": wanted}


def _matching(policy: Policy, devices: Sequence[Device], kind: str, wanted: str) -> Matches:
    known = Names(groups=policy.groups.keys(), tags=policy.tag_owners.keys(), hosts={})
    try:
        if kind == "user":
            sources = meant(policy, known.target(wanted, "previewFor"), devices)
            return lambda rule: any(
                concerns(policy, target, source, partly=False)
                for target in rule.sources
                for source in sources
            )
        if kind == "ipport":
            destination = known.destination(wanted, "previewFor")
            ends = meant(policy, destination.target, devices)
            port = destination.ports[0][0]
            return lambda rule: any(
                concerns(policy, end.target, device, partly=False)
                and any(low <= port <= high for low, high in end.ports)
                for end in rule.destinations
                for device in ends
            )
    except PolicyError as error:
        raise BadRequestError(str(error)) from error
    raise BadRequestError(f'type: "{kind}" is neither "user" nor "ipport"')
