"""What a host is told about itself is taken as it is meant, or refused by field."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.errors import SettingsError
from agent_runtime.settings import is_agent, parse, read_settings

AGENT: dict[str, Any] = {
    "tenant": "acme",
    "host": "acme-agent-writer-1",
    "tier": "agent",
    "vpc_address": "10.1.0.5",
    "guardrail": "guardrail.acme.tenantry.internal",
    "tenant_ca": "/etc/tenantry/tenant-ca.crt",
    "certificate_ttl": 28800,
    "volume": "acme-agent-writer-1-data",
    "release": "ab" * 32,
    "vault": None,
    "agents": None,
}
GUARDRAIL: dict[str, Any] = {
    **AGENT,
    "host": "acme-guardrail-1",
    "tier": "guardrail",
    "volume": None,
    "vault": {"address": "https://100.64.0.2:8200", "certificate": "/etc/tenantry/vault-ca.crt"},
    "agents": ["acme-agent-writer-1"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_an_agents_certificate_is_for_its_two_names() -> None:
    assert parse(AGENT).names == ("acme-agent-writer-1", "acme-agent-writer-1.acme.tenantry.internal")


def test_a_guardrails_is_for_the_name_that_agents_call_it_by_too() -> None:
    assert parse(GUARDRAIL).names[-1] == "guardrail.acme.tenantry.internal"


@pytest.mark.parametrize("field", sorted(AGENT))
def test_a_missing_field_is_named(field: str) -> None:
    rest = {name: value for name, value in AGENT.items() if name != field}
    with pytest.raises(ValueError, match=f"'{field}' is missing"):
        parse(rest)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValueError, match="'role_id' is unknown"):
        parse({**AGENT, "role_id": "x"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant", "../acme"),
        ("host", "acme agent"),
        ("tier", "database"),
        ("vpc_address", "10.1.0.300"),
        ("certificate_ttl", True),
        ("certificate_ttl", 60),
        ("certificate_ttl", 2 * 24 * 3600),
        ("volume", "/dev/sda"),
        ("release", "latest"),
        ("vault", {"address": "https://x", "certificate": "y"}),
        ("agents", ["acme-agent-writer-1"]),
    ],
)
def test_a_value_that_can_not_be_is_refused_by_its_fields_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        parse({**AGENT, field: value})


@pytest.mark.parametrize("vault", [None, {}, {"address": "http://x", "certificate": "y"}])
def test_a_guardrail_needs_its_vault_over_tls(vault: object) -> None:
    with pytest.raises(ValueError, match="vault"):
        parse({**GUARDRAIL, "vault": vault})


@pytest.mark.parametrize(
    "agents", [None, "acme-agent-writer-1", ["globex-agent-a-1"], [7], ["acme-agent-../../x"]]
)
def test_a_guardrail_knows_the_agents_of_its_own_tenant(agents: object) -> None:
    with pytest.raises(ValueError, match="agents"):
        parse({**GUARDRAIL, "agents": agents})
    assert parse({**GUARDRAIL, "agents": []}).agents == frozenset()


@settings(deadline=None)
@given(JSON)
def test_nothing_else_than_settings_is_taken(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(value)


@settings(deadline=None)
@given(st.sampled_from(sorted(AGENT)), JSON)
def test_a_changed_field_gives_settings_or_a_value_error_and_nothing_else(field: str, value: object) -> None:
    with suppress(ValueError):
        parse({**AGENT, field: value})


def test_a_file_that_is_not_there_says_how_it_comes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="pulumi up"):
        read_settings(tmp_path / "host.json")


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text(json.dumps(AGENT)[:40])
    with pytest.raises(SettingsError, match=r"host\.json"):
        read_settings(file)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme-agent-writer-1", True),
        ("acme-guardrail-1", False),
        ("acmes-agent-writer-1", False),
        ("globex-agent-writer-1", False),
        ("control-plane", False),
        ("acme-agent-../../keys", False),
        ("acme-agent-a\n", False),
    ],
)
def test_who_is_an_agent_of_the_tenant(name: str, expected: bool) -> None:  # noqa: FBT001
    assert is_agent("acme", name) is expected
