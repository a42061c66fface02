import pytest

from components.flows import BY_TAILSCALED, FLOWS, HOST_TIERS, Endpoint, Port
from stacks.verification.hosts import Member, Shared, Tenancy, sample
from stacks.verification.probes import PORTS, TCP_PORTS, Attempt, attempts, is_permitted


def _member(tenant: str, tier: Endpoint, number: int = 1) -> Member:
    name = f"{tenant}-{tier}-{number}"
    mesh = f"100.64.{len(tenant)}.{number}" if tier in HOST_TIERS else None
    return Member(tenant=tenant, tier=tier, name=name, address=f"10.0.0.{number}", mesh_address=mesh)


def _common(tier: Endpoint, address: str) -> Member:
    return Member(tenant="", tier=tier, name=tier.value, address=address, mesh_address=address)


COMMON = Shared(
    operator=_common(Endpoint.CONTROL_PLANE, "100.64.0.1"),
    vault=_common(Endpoint.VAULT, "100.64.0.2"),
    coordination="192.0.2.1",
)


def _tenancy(tenant: str, agents: int = 1) -> Tenancy:
    hosts = [_member(tenant, Endpoint.AGENT, number) for number in range(1, agents + 1)]
    rest = [_member(tenant, tier) for tier in (Endpoint.GUARDRAIL, Endpoint.DATABASE, Endpoint.CACHE)]
    return Tenancy(tenant=tenant, members=(*hosts, *rest))


def _between(found: list[Attempt], source: str, target: str) -> list[Attempt]:
    return [each for each in found if each.source.tenant == source and each.target == target]


def test_twenty_tcp_ports_are_tried() -> None:
    assert len(set(TCP_PORTS)) >= 20, "as the promise says"


def test_every_port_of_an_open_flow_is_among_those_tried() -> None:
    used = {port for flow in FLOWS for port in flow.ports}
    assert used <= set(PORTS), "a permitted flow that isn't tried is not measured"


def test_nothing_of_another_tenant_is_permitted() -> None:
    found = attempts([_tenancy("acme"), _tenancy("globex")], COMMON)
    foreign = [each for each in found if "'s " in each.target]
    assert not [each for each in foreign if each.permitted], "no tenant reaches another"
    tiers = {each.target for each in foreign if each.source.tenant == "acme"}
    assert tiers == {f"globex's {tier}" for tier in ("agent", "guardrail", "database", "cache")}, "all of it"


def test_both_directions_between_tenants_are_tried() -> None:
    found = attempts([_tenancy("acme"), _tenancy("globex")], COMMON)
    one = _between(found, "acme", "globex's agent")
    other = _between(found, "globex", "acme's agent")
    assert len(one) == len(other) == 2 * 2 * len(PORTS), (
        "from agent and guardrail, at both addresses, each port"
    )


def test_each_permitted_flow_of_the_table_is_tried() -> None:
    found = attempts([_tenancy("a")], COMMON)
    permitted = {(each.source.tier, each.target, each.port) for each in found if each.permitted}
    expected = {
        (source, target.value, port)
        for flow in FLOWS
        for source in flow.sources
        for target in flow.destinations
        for port in flow.ports
        if target not in (*BY_TAILSCALED, Endpoint.MODEL_APIS)
    }
    anywhere = {(Endpoint.GUARDRAIL, "internet", Port(number=443))}
    assert permitted == expected | anywhere, "what is measured is the table, but for tailscaled's own flows"


def test_nobody_but_tailscaled_may_reach_the_mesh_s_coordination() -> None:
    found = [each for each in attempts([_tenancy("a")], COMMON) if each.address == COMMON.coordination]
    assert {each.source.tier for each in found} == set(HOST_TIERS), "every host tries it"
    assert not [each for each in found if each.permitted], "not even a guardrail, which may else use 443"


def test_no_host_may_connect_to_the_control_plane() -> None:
    found = [each for each in attempts([_tenancy("acme")], COMMON) if each.target == Endpoint.CONTROL_PLANE]
    assert found, "every host tries it"
    assert not [each for each in found if each.permitted], "it is the control plane that connects"


def test_an_agent_has_no_way_to_the_vault() -> None:
    found = attempts([_tenancy("acme")], COMMON)
    tried = [each for each in found if each.target == Endpoint.VAULT and each.source.tier == Endpoint.AGENT]
    assert tried, "it is tried"
    assert not [each for each in tried if each.permitted], "an agent never sees a key"


def test_a_finding_of_the_operator_s_is_about_the_tenant_it_tried() -> None:
    found = [each for each in attempts([_tenancy("acme")], COMMON) if each.source == COMMON.operator]
    assert {each.tenant for each in found} == {"acme", "platform"}, "its hosts, and the vault that all share"


def test_agents_may_not_talk_to_each_other() -> None:
    found = _between(attempts([_tenancy("acme", agents=2)], COMMON), "acme", "agent")
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
        tenant="acme",
        target="agent",
        side="own VPC",
        address="10.0.0.2",
        port=Port(number=22),
        permitted=permitted,
    )
    assert attempt.is_right(result) is right, "shut means silence"


def test_ssh_is_open_over_the_mesh_alone() -> None:
    port = Port(number=22)
    assert is_permitted(Endpoint.CONTROL_PLANE, Endpoint.AGENT, port, in_the_mesh=True), "operations"
    assert not is_permitted(Endpoint.CONTROL_PLANE, Endpoint.AGENT, port), "and never in the VPC"
    assert not is_permitted(Endpoint.AGENT, Endpoint.GUARDRAIL, Port(number=8443), in_the_mesh=True), (
        "nor back"
    )
