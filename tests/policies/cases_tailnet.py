"""The rules of the tailnet's policy file, each with what passes, what violates, and what isn't known."""

import json
from typing import Any

from rule_case import UNKNOWN, Case, Given

from components.tailnet_policy import policy, policy_text
from policies import tailnet
from policies.resource_types import TAILNET_POLICY

TENANTS = ("acme", "globex")
OURS = Given(
    type=TAILNET_POLICY, name="platform-tailnet-policy", stack="platform", props={"acl": policy_text(TENANTS)}
)
ALONE = OURS.but(acl=policy_text(["acme"]))
NOBODY = OURS.but(acl=policy_text([]))
NOT_KNOWN = OURS.but(acl=UNKNOWN)


def ours(**sections: Any) -> Given:
    """Our file with some of its sections as given."""
    return OURS.but(acl=json.dumps({**policy(TENANTS), **sections}))


def opening(source: str, destination: str, **changes: Any) -> Given:
    """Our file with one more rule."""
    rule = {"action": "accept", "src": [source], "proto": "tcp", "dst": [destination], **changes}
    return ours(acls=[*policy(TENANTS)["acls"], rule])


def by_hand(old: str, new: str) -> Given:
    """Our file with an edit of its text."""
    return OURS.but(acl=policy_text(TENANTS).replace(old, new, 1))


RELAXED = by_hand("{", "{ /* by hand */")
OWNERS = policy(TENANTS)["tagOwners"]
TESTS = policy(TENANTS)["tests"]


def denying(test: dict[str, Any], but: str) -> list[str]:
    """What a test denies, without the ends that begin so."""
    return [end for end in test["deny"] if not end.startswith(but)]


CASES: tuple[Case, ...] = (
    Case(
        rule=tailnet.WITHOUT_WILDCARDS,
        passes=(OURS, ALONE, NOBODY, RELAXED),
        violates=(
            opening("*", "tag:vault:8200"),
            opening("tag:control-plane", "*:22"),
            opening("tag:control-plane", "tag:vault:*"),
            opening("tag:control-plane", "tag:vault:1-65535"),
            opening("autogroup:member", "tag:vault:8200"),
            opening("somebody@example.com", "tag:vault:8200"),
            opening("100.64.0.9", "tag:vault:8200"),
            opening("tag:control-plane", "tag:vault:8200", action="deny"),
            ours(grants=[{"src": ["*"], "dst": ["*"], "ip": ["*"]}]),
            ours(ssh=[]),
            ours(tagOwners={**OWNERS, "tag:control-plane": ["tag:tenant-acme-agent"]}),
            ours(tagOwners={**OWNERS, "tag:tenant-acme-agent": ["autogroup:member"]}),
            ours(tagOwners={**OWNERS, "tag:somebody": ["autogroup:admin"]}),
            ours(tagOwners={**OWNERS, "tag:vault": [{}]}),
            ours(tagOwners={**OWNERS, "tag:vault": "autogroup:member"}),
            ours(tagOwners=["tag:vault"]),
            ours(acls=None),
            ours(acls={}),
            ours(acls=["accept"]),
            ours(ACLs=[{"action": "accept", "src": ["*"], "dst": ["*:*"]}]),
            by_hand('"acls"', '"acl"'),
            by_hand('"tests"', '"acls": [], "tests"'),
            by_hand('"action"', '"dst": ["*:*"], "action"'),
            by_hand('"dst"', '"Dst": ["*:*"], "dst"'),
            opening("tag:control-plane", "tag:vault:8200", users=["*"], ports=["*:*"]),
            opening("tag:control-plane", "tag:vault:8200", src="*"),
            opening("tag:control-plane", "tag:vault:8200", dst="*:*"),
            opening("tag:control-plane", "tag:vault:8200", src=[["tag:vault"]]),
            opening("tag:control-plane", "tag:vault:٢٢"),
            opening("tag:tenant-acme-agent-guardrail", "tag:vault:8200"),
            opening("tag:control-plane", "autogroup:internet:443"),
            opening("tag:control-plane", "autogroup:danger-all:22"),
            OURS.but(resetAclOnDestroy=True),
            OURS.but(acl="[" * 100_000),
            OURS.but(acl="{"),
            OURS.but(acl="[]"),
            OURS.but(acl=None),
        ),
        unknown=((NOT_KNOWN, False), (OURS.but(resetAclOnDestroy=UNKNOWN), False)),
    ),
    Case(
        rule=tailnet.APART,
        passes=(OURS, ALONE, NOBODY),
        violates=(
            opening("tag:tenant-acme-agent", "tag:tenant-globex-agent:22"),
            opening("tag:tenant-acme-guardrail", "tag:tenant-acme-agent:9443"),
            opening("tag:tenant-globex-guardrail", "tag:tenant-acme-guardrail:8443"),
            opening("tag:tenant-acme-guardrail", "tag:control-plane:22"),
            opening("tag:tenant-acme-agent", "*:22"),
            OURS.but(acl="{"),
        ),
        unknown=((NOT_KNOWN, False),),
    ),
    Case(
        rule=tailnet.FROM_THE_TABLE,
        passes=(OURS, ALONE, NOBODY),
        violates=(
            opening("tag:tenant-acme-agent", "tag:vault:8200"),
            opening("tag:control-plane", "tag:tenant-acme-agent:25060"),
            opening("tag:vault", "tag:tenant-acme-agent:22"),
            opening("tag:tenant-acme-guardrail", "tag:control-plane:22"),
            opening("tag:control-plane", "tag:vault:8200", proto="udp"),
            opening("tag:control-plane", "tag:vault:²"),
            OURS.but(acl="{"),
        ),
        unknown=((NOT_KNOWN, False),),
    ),
    Case(
        rule=tailnet.TESTS_ITSELF,
        passes=(OURS, ALONE, NOBODY),
        violates=(
            ours(tests=[]),
            ours(tests=[test for test in TESTS if test["src"] != "tag:tenant-acme-agent"]),
            ours(tests=[{**test, "deny": []} for test in TESTS]),
            ours(tests=[test for test in TESTS if test["src"] != "tag:control-plane"]),
            ours(tests=[{**test, "proto": "udp"} for test in TESTS]),
            ours(tests=[{**test, "deny": denying(test, "tag:tenant-")} for test in TESTS]),
            ours(tests=[{**test, "deny": denying(test, "tag:control-plane")} for test in TESTS]),
            ours(tests="none"),
            ours(tagOwners={}, acls=[]),
            OURS.but(acl="{"),
        ),
        unknown=((NOT_KNOWN, False),),
    ),
)
