import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import flows, naming
from components.naming import (
    NameRefusedError,
    agent_host_name,
    check_tenant,
    resource_name,
    tenant_tag,
    tier_tag,
)

words = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
tenants = st.lists(words, min_size=1, max_size=3).map("-".join).filter(lambda name: len(name) <= 20)


def accepted(name: str) -> bool:
    try:
        check_tenant(name)
    except NameRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme", "lower-case"),
        ("-acme", "lower-case"),
        ("acme-", "lower-case"),
        ("ac--me", "lower-case"),
        ("1acme", "starting with a letter"),
        ("acme\n", "lower-case"),
        ("", "lower-case"),
        ("a" * 21, "at most 20"),
        ("platform", "reserved"),
        ("control-plane", "reserved"),
    ],
)
def test_a_name_that_cannot_be_a_tenants_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(NameRefusedError, match=why) as refused:
        check_tenant(name)
    assert repr(name) in str(refused.value), "the message quotes the name"


def test_a_tenant_that_would_own_another_tenants_tier_tag_is_refused() -> None:
    assert tenant_tag("acme-agent") == tier_tag("acme", "agent"), "the two tags are one: this is the danger"
    with pytest.raises(NameRefusedError, match="'agent'"):
        check_tenant("acme-agent")


@given(one=tenants.filter(accepted), other=tenants.filter(accepted), tier=st.sampled_from(flows.TIERS))
def test_no_two_tenants_share_a_tag(one: str, other: str, tier: str) -> None:
    assert tenant_tag(one) != tier_tag(other, tier), "a tenant's tag is never a tier's"
    assert (tier_tag(one, tier) == tier_tag(other, tier)) == (one == other), "a tier's tag is one tenant's"


@given(tenant=tenants.filter(accepted), agent=tenants, replica=st.integers(1, 50))
def test_host_names_are_valid_in_dns_and_tags_at_digitalocean(tenant: str, agent: str, replica: int) -> None:
    name = agent_host_name(tenant, agent, replica)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name), f"{name} is no DNS label"
    assert re.fullmatch(r"[a-zA-Z0-9:_-]{1,255}", tier_tag(tenant, "guardrail")), "no valid tag"


def test_every_tier_is_a_role_so_that_no_tenant_can_be_named_after_it() -> None:
    assert {tier.value for tier in flows.TIERS} <= naming.ROLES, "a new tier must be added to naming.ROLES"


def test_names_are_tenant_role_and_key() -> None:
    assert resource_name("acme", "network", "vpc") == "acme-network-vpc"
    assert agent_host_name("acme", "writer", 2) == "acme-agent-writer-2"


@pytest.mark.parametrize("module", [flows, naming])
def test_the_two_small_modules_import_nothing_of_ours(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())  # type: ignore[attr-defined]
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    ours = {name for name in imported if str(name).split(".")[0] in {"components", "stacks", "pulumi"}}
    assert not ours, f"policies import it without Pulumi; it imports {ours}"
