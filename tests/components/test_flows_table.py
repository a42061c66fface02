import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from components.cloud_init.firewall import firewall
from components.flows import (
    FLOWS,
    HOST_TIERS,
    TIERS,
    Endpoint,
    as_markdown,
    clients_of,
    open_flows,
    port_of,
    rules_of,
)

RANGE = IPv4Network("10.32.0.0/24")
FLOWS_DOC = Path(__file__).parents[2] / "docs" / "flows.md"

PERMITTED = {
    ("agent", "guardrail", "8443/tcp"),
    ("agent", "database", "25060/tcp"),
    ("agent", "cache", "25061/tcp"),
    ("guardrail", "database", "25060/tcp"),
    ("guardrail", "model APIs", "443/tcp"),
}


def test_exactly_the_flows_with_both_ends_in_a_tenant_today_are_open() -> None:
    opened = {
        (source.value, destination.value, str(port))
        for flow in open_flows()
        for source in flow.sources
        for destination in flow.destinations
        for port in flow.ports
    }
    assert opened == PERMITTED, (
        "a flow was opened or shut: say so in the docs and an ADR, then change this test"
    )


def test_a_flow_that_awaits_something_says_what() -> None:
    waiting = [flow for flow in FLOWS if not flow.is_open]
    assert len(waiting) == 3, "vault, control plane and mesh come with later releases"
    assert all(flow.awaits for flow in waiting), "each one names what brings it"


def test_no_host_has_dns() -> None:
    assert not any(port.number == 53 for flow in FLOWS for port in flow.ports), "a resolver is a tunnel out"


def test_only_the_guardrail_has_a_way_out() -> None:
    outward = {
        tier
        for tier in HOST_TIERS
        for rule in rules_of(tier)
        if rule.peer not in TIERS and rule.direction == "outbound"
    }
    assert outward == {Endpoint.GUARDRAIL}, f"{outward} reach the internet"


def test_nothing_comes_in_from_outside_a_tenant() -> None:
    inward = [rule for tier in HOST_TIERS for rule in rules_of(tier) if rule.direction == "inbound"]
    assert [rule.peer for rule in inward] == [Endpoint.AGENT], "only agents connect to a host, the guardrail"


def test_what_one_tier_may_send_to_another_the_other_lets_in() -> None:
    for tier in HOST_TIERS:
        for rule in rules_of(tier):
            if rule.peer in HOST_TIERS:
                mirrored = {(found.direction, found.peer, found.port) for found in rules_of(rule.peer)}
                opposite = "inbound" if rule.direction == "outbound" else "outbound"
                assert (opposite, tier, rule.port) in mirrored, f"{rule} has no other half"


@pytest.mark.parametrize("endpoint", [Endpoint.DATABASE, Endpoint.CACHE, Endpoint.VAULT, Endpoint.ANY_HOST])
def test_an_endpoint_without_hosts_has_no_host_firewall(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match="no tier of hosts"):
        rules_of(endpoint)


def test_trusted_sources_and_ports_of_the_services_come_from_the_table() -> None:
    assert clients_of(Endpoint.DATABASE) == (Endpoint.AGENT, Endpoint.GUARDRAIL)
    assert clients_of(Endpoint.CACHE) == (Endpoint.AGENT,)
    assert port_of(Endpoint.CACHE).number == 25061
    with pytest.raises(ValueError, match="none"):
        port_of(Endpoint.VAULT)


@pytest.mark.parametrize("tier", HOST_TIERS)
def test_ufw_has_one_rule_for_each_of_the_tiers_and_no_other(tier: Endpoint) -> None:
    rules = next(file.content for file in firewall(tier, RANGE).files if file.path == "/etc/ufw/user.rules")
    written = re.findall(
        r"^-A ufw-user-(input|output) -p (\w+)(?: -d (\S+))? --dport (\d+)(?: -s (\S+))?", rules, re.MULTILINE
    )
    found = {
        ("inbound" if chain == "input" else "outbound", f"{port}/{protocol}", (to or origin) or "anywhere")
        for chain, protocol, to, port, origin in written
    }
    wanted = {
        (rule.direction, str(rule.port), str(RANGE) if rule.peer in TIERS else "anywhere")
        for rule in rules_of(tier)
    }
    assert found == wanted, "UFW and the table differ"
    assert rules.count("### tuple ###") == len(wanted), "`ufw status` shows each of them"
    assert rules.count("-j ACCEPT") == len(wanted) + 1, (
        "and nothing else is accepted but ufw-user-limit-accept"
    )


def test_ufw_denies_by_default_in_every_direction_from_boot_on() -> None:
    files = {file.path: file.content for file in firewall(Endpoint.AGENT, RANGE).files}
    for chain in ("INPUT", "OUTPUT", "FORWARD"):
        assert f'DEFAULT_{chain}_POLICY="DROP"' in files["/etc/default/ufw"], f"{chain} must drop"
    assert "ENABLED=yes" in files["/etc/ufw/ufw.conf"], "UFW must start with the machine"


def test_metadata_is_for_root_alone() -> None:
    before = next(
        file.content for file in firewall(Endpoint.AGENT, RANGE).files if file.path.endswith("before.rules")
    )
    to_metadata = [line for line in before.splitlines() if "169.254" in line]
    assert to_metadata[0].endswith("-m owner --uid-owner 0 -j ACCEPT"), "root reads user-data"
    assert to_metadata[1].endswith("-d 169.254.0.0/16 -j REJECT"), "nobody else does"
    assert len(to_metadata) == 2


def test_the_document_has_the_table_as_it_is() -> None:
    assert as_markdown() in FLOWS_DOC.read_text(), "write it again: `python -m components.flows_document`"
