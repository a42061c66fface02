"""What the rules of the tailnet's policy file must notice, broken."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from breakage import Breakage, replacing

from components.tailnet_policy import policy

File = dict[str, Any]


def _writing(change: Callable[[File, list[str]], object]) -> Callable[[], object]:
    """Have the platform's program write another file."""

    def text(tenants: Iterable[str]) -> str:
        named = sorted(tenants)
        content = policy(named)
        change(content, named)
        return json.dumps(content, indent=2)

    return replacing("stacks.platform_program.policy_text", text)


def _open(source: str, destination: str) -> Callable[[], object]:
    """With one rule more; `{0}` and `{1}` stand for the first two tenants."""

    def change(content: File, tenants: list[str]) -> None:
        ends = (end.format(*tenants) for end in (source, destination))
        content["acls"].append(dict(zip(("src", "dst"), ([end] for end in ends), strict=True)))
        content["acls"][-1].update(action="accept", proto="tcp")

    return _writing(change)


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="everybody-to-everything",
        rule="tailnet-policy-without-wildcards",
        what="a policy file that lets everybody reach everything, as a new tailnet's does",
        apply=_open("*", "*:*"),
        stack="platform",
    ),
    Breakage(
        name="older-names",
        rule="tailnet-policy-without-wildcards",
        what="a policy file that opens everything by Tailscale's older names for a rule's ends",
        apply=_writing(lambda content, _: content["acls"][0].update(users=["*"], ports=["*:*"])),
        stack="platform",
    ),
    Breakage(
        name="ssh-section",
        rule="tailnet-policy-without-wildcards",
        what="a policy file that lets members in by Tailscale SSH",
        apply=_writing(lambda content, _: content.update(ssh=[])),
        stack="platform",
    ),
    Breakage(
        name="tenant-to-tenant",
        rule="tailnet-policy-apart",
        what="a policy file by which one tenant's agents reach another's",
        apply=_open("tag:tenant-{0}-agent", "tag:tenant-{1}-agent:22"),
        stack="platform",
    ),
    Breakage(
        name="agents-to-the-vault",
        rule="tailnet-policy-from-the-table",
        what="a policy file by which agents reach the vault",
        apply=_open("tag:tenant-{0}-agent", "tag:vault:8200"),
        stack="platform",
    ),
    Breakage(
        name="no-tests",
        rule="tailnet-policy-tests-itself",
        what="a policy file without tests",
        apply=_writing(lambda content, _: content.update(tests=[])),
        stack="platform",
    ),
)
