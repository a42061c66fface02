import pytest

from components.flows import HOST_TIERS, Endpoint, Port, open_flows
from stacks.verification.hosts import Member, Tenancy, sample
from stacks.verification.probes import PORTS, TCP_PORTS, Attempt, attempts, is_permitted


def _member(tenant: str, tier: Endpoint, number: int = 1) -> Member:
    return Member(tenant=tenant, tier=tier, name=f"{tenant}-{tier}-{number}", address=f"10.0.0.{number}")


def _tenancy(tenant: str, agents: int = 1) -> Tenancy:
    hosts = [_member(tenant, Endpoint.AGENT, number) for number in range(1, agents + 1)]
    rest = [_member(tenant, tier) for tier in (Endpoint.GUARDRAIL, Endpoint.DATABASE, Endpoint.CACHE)]
    return Tenancy(tenant=tenant, members=(*hosts, *rest))


def _between(found: list[Attempt], source: str, target: str) -> list[Attempt]:
    return [each for each in found if each.source.tenant == source and each.target == target]


def test_twenty_tcp_ports_are_tried() -> None:
    assert len(set(TCP_PORTS)) == 20, "as the promise says"


def test_every_port_of_an_open_flow_is_among_those_tried() -> None:
    used = {port for flow in open_flows() for port in flow.ports}
    assert used <= set(PORTS), "a permitted flow that isn't tried is not measured"


def test_nothing_of_another_tenant_is_permitted() -> None:
    found = attempts([_tenancy("acme"), _tenancy("globex")])
    foreign = [each for each in found if "'s " in each.target]
    assert not [each for each in foreign if each.permitted], "no tenant reaches another"
    tiers = {each.target for each in foreign if each.source.tenant == "acme"}
    assert tiers == {f"globex's {tier}" for tier in ("agent", "guardrail", "database", "cache")}, "all of it"


def test_both_directions_between_tenants_are_tried() -> None:
    found = attempts([_tenancy("acme"), _tenancy("globex")])
    one = _between(found, "acme", "globex's agent")
    other = _between(found, "globex", "acme's agent")
    assert len(one) == len(other) == 2 * len(PORTS), "from agent and guardrail, on each port"


def test_each_permitted_flow_of_the_table_is_tried_from_each_host() -> None:
    permitted = {
        (each.source.tier, each.target, each.port) for each in attempts([_tenancy("a")]) if each.permitted
    }
    expected = {
        (source, "internet" if target == Endpoint.MODEL_APIS else target.value, port)
        for flow in open_flows()
        for source in flow.sources
        for target in flow.destinations
        for port in flow.ports
        if source in HOST_TIERS
    }
    assert permitted == expected, "what is measured is the table"


def test_agents_may_not_talk_to_each_other() -> None:
    found = _between(attempts([_tenancy("acme", agents=2)]), "acme", "agent")
    assert found, "there are two agents"
    assert not [each for each in found if each.permitted], "the table has no such flow"


def test_of_many_hosts_of_a_tier_two_are_targets() -> None:
    members = [_member("acme", Endpoint.AGENT, number) for number in range(1, 51)]
    assert len(sample(members, 2)) == 2, "fifty hosts against fifty would be 60 000 connections"


@pytest.mark.parametrize(
    ("permitted", "result", "right"),
    [
        (True, "answered", True),
        (True, "open", True),
        (True, "refused", False),
        (True, "silent", False),
        (False, "silent", True),
        (False, "unreachable", True),
        (False, "refused", False),
        (False, "answered", False),
    ],
)
def test_a_refusal_is_a_packet_that_came_back(permitted: bool, result: str, right: bool) -> None:  # noqa: FBT001
    attempt = Attempt(
        source=_member("acme", Endpoint.AGENT),
        target="agent",
        side="own VPC",
        address="10.0.0.2",
        port=Port(number=22),
        permitted=permitted,
    )
    assert attempt.is_right(result) is right, "shut means silence"


def test_the_control_plane_s_port_is_shut_until_the_mesh_exists() -> None:
    assert not is_permitted(Endpoint.AGENT, Endpoint.GUARDRAIL, Port(number=22)), "an awaited flow isn't open"
