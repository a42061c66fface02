import re
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from components.cloud_init import MeshJoin
from components.cloud_init.firewall import firewall
from components.flows import (
    BY_TAILSCALED,
    FLOWS,
    HOST_TIERS,
    OVER_THE_MESH,
    TIERS,
    Endpoint,
    Rule,
    as_markdown,
    clients_of,
    port_of,
    rules_of,
)

RANGE = IPv4Network("10.32.0.0/24")
COORDINATION = ("192.200.0.101/32", "192.0.2.0/24")
MESH = MeshJoin(
    hostname="h", auth_key="", login_server=None, coordination=COORDINATION, peers=("198.18.255.0/24",)
)
CHAINS = {"inbound": "input", "outbound": "output"}
FLOWS_DOC = Path(__file__).parents[2] / "docs" / "flows.md"

PERMITTED = {
    ("agent", "guardrail", "8443/tcp"),
    ("agent", "database", "25060/tcp"),
    ("agent", "cache", "25061/tcp"),
    ("guardrail", "database", "25060/tcp"),
    ("guardrail", "vault (mesh)", "8200/tcp"),
    ("guardrail", "model APIs", "443/tcp"),
    ("control plane (mesh)", "agent", "22/tcp"),
    ("control plane (mesh)", "agent", "9443/tcp"),
    ("control plane (mesh)", "guardrail", "22/tcp"),
    ("control plane (mesh)", "guardrail", "9443/tcp"),
    ("control plane (mesh)", "vault (mesh)", "8200/tcp"),
    ("any host", "mesh coordination and relays", "443/tcp"),
    ("any host", "mesh coordination and relays", "3478/udp"),
    ("any host", "mesh peers, directly", "41641/udp"),
}


def test_exactly_these_flows_are_open() -> None:
    opened = {
        (source.value, destination.value, str(port))
        for flow in FLOWS
        for source in flow.sources
        for destination in flow.destinations
        for port in flow.ports
    }
    assert opened == PERMITTED, (
        "a flow was opened or shut: say so in the docs and an ADR, then change this test"
    )


def test_no_host_has_dns() -> None:
    assert not any(port.number == 53 for flow in FLOWS for port in flow.ports), "a resolver is a tunnel out"


def test_only_the_guardrail_has_a_way_out_but_for_the_mesh_itself() -> None:
    outward = {
        (tier, rule.peer)
        for tier in HOST_TIERS
        for rule in rules_of(tier)
        if rule.peer not in (*TIERS, *BY_TAILSCALED) and rule.direction == "outbound"
    }
    guardrail = Endpoint.GUARDRAIL
    assert outward == {(guardrail, Endpoint.MODEL_APIS), (guardrail, Endpoint.VAULT)}, "an agent has none"


def test_nothing_comes_in_from_outside_a_tenant_but_the_control_plane_over_the_mesh() -> None:
    inward = {rule.peer for tier in HOST_TIERS for rule in rules_of(tier) if rule.direction == "inbound"}
    assert inward == {Endpoint.AGENT, Endpoint.CONTROL_PLANE}
    assert Endpoint.CONTROL_PLANE in OVER_THE_MESH


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
    with pytest.raises(ValueError, match="22/tcp, 9443/tcp"):
        port_of(Endpoint.AGENT)


def written(tier: Endpoint, path: str) -> str:
    return next(file.content for file in firewall(tier, RANGE, MESH).files if file.path == path)


@pytest.mark.parametrize("tier", HOST_TIERS)
def test_ufw_has_the_rules_of_the_tiers_and_no_other(tier: Endpoint) -> None:
    rules = written(tier, "/etc/ufw/user.rules")
    found = re.findall(
        r"^-A ufw-user-(input|output)(?: -[io] (\S+))? -p (\w+)(?: -[ds] (\S+))? --dport (\d+) -j ACCEPT$",
        rules,
        re.MULTILINE,
    )
    wanted = [
        (CHAINS[rule.direction], interface, rule.port.protocol, peer, str(rule.port.number))
        for rule in rules_of(tier)
        for interface, peer in _ends(rule)
    ]
    assert sorted(found) == sorted(wanted), "UFW and the table differ"
    assert rules.count("### tuple ###") == len(wanted), "`ufw status` shows each of them"
    assert rules.count("-j ACCEPT") == len(wanted) + 1, (
        "and nothing else is accepted but ufw-user-limit-accept"
    )


def _ends(rule: Rule) -> list[tuple[str, str]]:
    if rule.peer in OVER_THE_MESH:
        return [("tailscale0", "100.64.0.0/10")]
    if rule.peer in TIERS:
        return [("", str(RANGE))]
    ranges = {
        Endpoint.MESH: ["192.200.0.101", "192.0.2.0/24"],
        Endpoint.MESH_PEERS: ["198.18.255.0/24"],
    }
    return [("", peer) for peer in ranges.get(rule.peer, [""])]


@pytest.mark.parametrize("tier", HOST_TIERS)
def test_the_meshs_servers_and_peers_are_shut_for_everybody_but_tailscaled(tier: Endpoint) -> None:
    before = written(tier, "/etc/ufw/before.rules").splitlines()
    shut = [line for line in before if "! --uid-owner tailscale" in line]
    assert len(shut) == 5, "two ranges at two ports, and the peers'"
    assert all(line.endswith("-j DROP") for line in shut), "in silence, as everything else"
    established = before.index("-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
    assert established < before.index(shut[0]), "a closed connection's last packets have no owner"


def test_without_peers_there_is_no_rule_for_them() -> None:
    part = firewall(Endpoint.AGENT, RANGE, replace(MESH, peers=()))
    assert not any("41641" in file.content for file in part.files)


def test_a_mesh_address_counts_only_where_it_comes_through_the_mesh() -> None:
    before = written(Endpoint.AGENT, "/etc/ufw/before.rules")
    assert "-A ufw-before-input ! -i tailscale0 -s 100.64.0.0/10 -j DROP" in before.splitlines()


def test_ufw_denies_by_default_in_every_direction_from_boot_on() -> None:
    files = {file.path: file.content for file in firewall(Endpoint.AGENT, RANGE, MESH).files}
    for chain in ("INPUT", "OUTPUT", "FORWARD"):
        assert f'DEFAULT_{chain}_POLICY="DROP"' in files["/etc/default/ufw"], f"{chain} must drop"
    assert "ENABLED=yes" in files["/etc/ufw/ufw.conf"], "UFW must start with the machine"


def test_metadata_is_for_root_alone() -> None:
    before = written(Endpoint.AGENT, "/etc/ufw/before.rules")
    to_metadata = [line for line in before.splitlines() if "169.254" in line]
    assert to_metadata[0].endswith("-m owner --uid-owner 0 -j ACCEPT"), "root reads user-data"
    assert to_metadata[1].endswith("-d 169.254.0.0/16 -j REJECT"), "nobody else does"
    assert len(to_metadata) == 2


def test_the_document_has_the_table_as_it_is() -> None:
    assert as_markdown() in FLOWS_DOC.read_text(), "write it again: `python -m components.flows_document`"
