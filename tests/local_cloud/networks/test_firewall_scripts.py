"""What is written for nft, without loading it; that nft does the same is seen in test_networks."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.hypervisor.model import Policy, Rule
from local_cloud.hypervisor.networks.firewall import (
    Flow,
    Port,
    firewall_script,
    gateway_script,
    permitted,
    spoofing_script,
)

AGENT, DATABASE = IPv4Address("10.0.0.2"), IPv4Address("10.0.0.3")
PORTS = [
    Port(name="p0a000002", mac="02:00:00:00:00:02", address=AGENT, endpoint="droplet:1"),
    Port(name="p0a000003", mac="02:00:00:00:00:03", address=DATABASE, endpoint="database:x"),
]


def networks() -> st.SearchStrategy[IPv4Network]:
    return st.builds(
        lambda address, prefix: IPv4Network((address, prefix), strict=False),
        st.integers(0x0A000000, 0x0A0000FF),
        st.integers(0, 32),
    )


def rules() -> st.SearchStrategy[Rule]:
    ports = st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(lambda pair: (min(pair), max(pair)))
    peers = st.lists(st.one_of(networks(), st.just(IPv6Network("::/0"))), max_size=4).map(tuple)
    return st.one_of(
        st.builds(
            Rule,
            direction=st.sampled_from(["inbound", "outbound"]),
            protocol=st.sampled_from(["tcp", "udp"]),
            ports=st.one_of(st.none(), ports),
            peers=peers,
        ),
        st.builds(
            Rule,
            direction=st.sampled_from(["inbound", "outbound"]),
            protocol=st.just("icmp"),
            ports=st.none(),
            peers=peers,
        ),
    )


def policies() -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy, rules=st.lists(rules(), max_size=5).map(tuple), unrestricted_outbound=st.booleans()
    )


def chain_of(script: str, name: str) -> list[str]:
    body = script.partition(f"  chain {name} {{\n")[2].partition("  }\n")[0]
    return [line.strip() for line in body.splitlines()]


def test_an_endpoint_without_a_policy_is_in_no_chain() -> None:
    script = firewall_script(PORTS, {"droplet:1": None})
    assert "10.0.0.2" not in script, "open, as DigitalOcean has it"
    assert "policy accept" in script


def test_a_policy_without_rules_drops_both_ways() -> None:
    script = firewall_script(PORTS, {"droplet:1": Policy(rules=())})
    assert chain_of(script, "from_10_0_0_2") == ["drop"]
    assert chain_of(script, "to_10_0_0_2") == ["drop"]


def test_a_cluster_may_send_what_it_likes() -> None:
    script = firewall_script(PORTS, {"database:x": Policy(rules=(), unrestricted_outbound=True)})
    assert "from_10_0_0_3" not in script
    assert chain_of(script, "to_10_0_0_3") == ["drop"]


def test_rules_are_written_by_direction_with_their_peers() -> None:
    rules_ = (
        Rule(direction="outbound", protocol="tcp", ports=(80, 81), peers=(IPv4Network("10.0.0.0/24"),)),
        Rule(direction="inbound", protocol="icmp", ports=None, peers=(IPv4Network("0.0.0.0/0"),)),
        Rule(direction="inbound", protocol="udp", ports=(53, 53), peers=(IPv6Network("::/0"),)),
    )
    script = firewall_script(PORTS, {"droplet:1": Policy(rules=rules_)})
    assert chain_of(script, "from_10_0_0_2") == ["ip daddr { 10.0.0.0/24 } tcp dport 80-81 return", "drop"]
    assert chain_of(script, "to_10_0_0_2") == ["meta l4proto icmp return", "drop"], "IPv6 peers say nothing"


def test_peers_that_overlap_are_merged() -> None:
    peers = (IPv4Network("10.0.0.3/32"), IPv4Network("10.0.0.0/24"))
    policy = Policy(rules=(Rule(direction="inbound", protocol="tcp", ports=None, peers=peers),))
    assert "{ 10.0.0.0/24 }" in firewall_script(PORTS, {"droplet:1": policy}), "nft refuses overlaps"


def test_a_bridge_without_ports_lets_nothing_through() -> None:
    script = spoofing_script([])
    assert "policy drop" in script
    assert "accept" not in script


def test_a_port_is_bound_to_its_mac_and_address() -> None:
    assert "p0a000002 . 02:00:00:00:00:02 . 10.0.0.2" in spoofing_script(PORTS)


def test_a_gateway_never_carries_private_destinations() -> None:
    script = gateway_script(IPv4Network("10.0.0.0/24"), IPv4Address("198.18.0.9"))
    assert script.index("10.0.0.0/8") < script.index("ct state new accept"), "dropped before they are let out"


@given(st.lists(policies(), min_size=2, max_size=2))
def test_every_policy_ends_in_a_drop(both: list[Policy]) -> None:
    script = firewall_script(PORTS, {"droplet:1": both[0], "database:x": both[1]})
    chains = script.count("  chain from_") + script.count("  chain to_")
    assert script.count("    drop\n  }\n") == chains, "what no rule names is dropped"


@given(policies(), st.sampled_from(["tcp", "udp"]), st.integers(1, 65535))
def test_what_one_way_permits_a_rule_says(policy: Policy, protocol: str, port: int) -> None:
    flow = Flow(protocol=protocol, source=AGENT, destination=DATABASE, port=port)
    named = any(
        rule.direction == "inbound"
        and rule.protocol == protocol
        and (rule.ports is None or rule.ports[0] <= port <= rule.ports[1])
        and any(isinstance(peer, IPv4Network) and AGENT in peer for peer in rule.peers)
        for rule in policy.rules
    )
    assert permitted(flow, {DATABASE: policy}) is named
    assert permitted(flow, {}), "endpoints without a policy are open"


@pytest.mark.parametrize("unrestricted", [True, False])
def test_an_unrestricted_sender_may_begin_anything(*, unrestricted: bool) -> None:
    flow = Flow(protocol="tcp", source=DATABASE, destination=AGENT, port=443)
    sender = Policy(rules=(), unrestricted_outbound=unrestricted)
    assert permitted(flow, {DATABASE: sender}) is unrestricted
