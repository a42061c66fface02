"""The tailnet's policy file, judged by the local cloud's own reading of Tailscale's rules."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import tailnet_policy
from components.flows import HOST_TIERS, Endpoint, Flow, Port
from components.naming import CONTROL_PLANE_TAG, VAULT_TAG, mesh_tag
from components.tailnet_policy import HEADER, MARK, mesh_flows, policy, policy_text
from local_cloud.tailscale.policy import evaluation, reading

NAMES = st.sampled_from(["acme", "globex", "initech", "umbrella", "hooli"])
TENANTS = st.lists(NAMES, unique=True, min_size=1, max_size=4)
PORTS = [22, 8200, 8443, 9443]


def failures(written: dict[str, Any]) -> list[str]:
    read = reading.read(json.dumps(written))
    return [error for failure in evaluation.failures(read, read.tests) for error in failure.errors]


def passes(tenants: list[str], source: str, destination: str, port: int) -> bool:
    """What Tailscale would say, with the tests left out of it."""
    end = f"{destination}:{port}"
    return not failures({**policy(tenants), "tests": [{"src": source, "proto": "tcp", "accept": [end]}]})


def members(tenants: list[str]) -> list[str]:
    return [CONTROL_PLANE_TAG, VAULT_TAG, *(mesh_tag(name, tier) for name in tenants for tier in HOST_TIERS)]


def permitted(source: str, destination: str, port: int) -> bool:
    """The table's flows over the mesh, written out by hand."""
    if source == CONTROL_PLANE_TAG:
        hosts = destination.startswith("tag:tenant-") and port in (22, 9443)
        return hosts or (destination, port) == (VAULT_TAG, 8200)
    return source.endswith("-guardrail") and (destination, port) == (VAULT_TAG, 8200)


@given(tenants=TENANTS)
def test_the_policy_holds_what_its_own_tests_demand(tenants: list[str]) -> None:
    assert failures(policy(tenants)) == [], "Tailscale would refuse the file"


@given(tenants=TENANTS, port=st.integers(1, 65535) | st.sampled_from(PORTS), data=st.data())
def test_whoever_has_no_flow_in_the_table_is_kept_out(
    tenants: list[str], port: int, data: st.DataObject
) -> None:
    source, destination = (data.draw(st.sampled_from(members(tenants))) for _ in range(2))
    assert passes(tenants, source, destination, port) == permitted(source, destination, port)


@given(tenants=st.lists(NAMES, unique=True, min_size=2, max_size=3), data=st.data())
def test_a_rule_that_somebody_adds_between_members_fails_the_files_own_tests(
    tenants: list[str], data: st.DataObject
) -> None:
    source, destination = (data.draw(st.sampled_from(members(tenants))) for _ in range(2))
    port = data.draw(st.sampled_from(PORTS))
    added = {"action": "accept", "src": [source], "dst": [f"{destination}:{port}"]}
    written = policy(tenants)
    widened = {**written, "acls": [*written["acls"], added]}
    assert bool(failures(widened)) != permitted(source, destination, port), f"{added} would go unnoticed"


@pytest.mark.parametrize("number", range(len(mesh_flows())))
def test_a_rule_that_somebody_takes_out_fails_the_files_own_tests(number: int) -> None:
    written = policy(["acme", "globex"])
    del written["acls"][number]
    assert failures(written), "the control plane could not reach what it has to"


def test_everybody_let_in_fails_the_files_own_tests() -> None:
    written = policy(["acme"])
    written["acls"] = [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]
    assert failures(written)


def test_every_pair_of_tenants_is_tested_in_both_tiers_and_both_ways() -> None:
    tenants = ["acme", "globex", "initech"]
    denied = {(test["src"], end) for test in policy(tenants)["tests"] for end in test.get("deny", ())}
    for one in tenants:
        for other in set(tenants) - {one}:
            for source in HOST_TIERS:
                for destination in HOST_TIERS:
                    for port in PORTS:
                        pair = mesh_tag(one, source), f"{mesh_tag(other, destination)}:{port}"
                        assert pair in denied, "a tenant could reach another and no test would say so"


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_agents_are_tested_not_to_reach_the_vault_nor_anybody_the_control_plane(tenant: str) -> None:
    denied = {test["src"]: test.get("deny", ()) for test in policy(["acme", "globex"])["tests"]}
    assert f"{VAULT_TAG}:8200" in denied[mesh_tag(tenant, Endpoint.AGENT)]
    for tier in HOST_TIERS:
        assert f"{CONTROL_PLANE_TAG}:22" in denied[mesh_tag(tenant, tier)]


def test_the_file_grows_with_the_tenants_and_not_with_their_square() -> None:
    small, large = (len(policy_text(f"tenant-{n:03}" for n in range(count))) for count in (50, 200))
    assert large < 5 * small, "a hundred customers are no reason for a file of megabytes"
    tested = [each for each in policy(f"t{n}" for n in range(50))["tests"] if "t7-" in str(each["deny"])]
    assert len(tested) > 2 * tailnet_policy.NEIGHBOURS, (
        "and still every tenant is one that others are kept from"
    )


@given(tenants=TENANTS)
def test_the_text_depends_on_who_the_tenants_are_and_not_on_their_order(tenants: list[str]) -> None:
    assert policy_text(tenants) == policy_text([*reversed(tenants), tenants[0]]), "an update would change it"


def test_the_text_is_hujson_that_says_whose_it_is() -> None:
    text = policy_text(["acme"])
    assert text.startswith(MARK), "by it the platform tells its own file from somebody's"
    assert reading.read(text).tests, "the comment is no obstacle"
    assert all(line.startswith("//") for line in HEADER.splitlines())


def test_the_control_plane_may_give_tenants_tags_and_not_its_own() -> None:
    owners = policy(["acme"])["tagOwners"]
    assert CONTROL_PLANE_TAG in owners["tag:tenant-acme-agent"], "an OAuth client makes the hosts' keys"
    assert CONTROL_PLANE_TAG not in owners[CONTROL_PLANE_TAG] + owners[VAULT_TAG], "it could multiply itself"


def test_every_tag_of_the_policy_has_an_owner() -> None:
    written = policy(["acme", "globex"])
    used = {tag for rule in written["acls"] for tag in rule["src"]}
    used |= {end.rpartition(":")[0] for rule in written["acls"] for end in rule["dst"]}
    assert used <= set(written["tagOwners"]), "Tailscale refuses a tag that nobody owns"


def test_without_tenants_the_control_plane_still_reaches_the_vault() -> None:
    assert failures(policy([])) == []
    assert passes([], CONTROL_PLANE_TAG, VAULT_TAG, 8200)


def test_the_policy_follows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(
        sources=(Endpoint.VAULT,),
        destinations=(Endpoint.ANY_HOST,),
        ports=(Port(number=7000),),
        how="TLS",
        why="a flow that somebody adds to the table",
    )
    monkeypatch.setattr(tailnet_policy, "FLOWS", (*tailnet_policy.FLOWS, flow))
    assert passes(["acme"], VAULT_TAG, "tag:tenant-acme-agent", 7000)
    assert failures(policy(["acme"])) == []


def test_a_flow_over_the_mesh_to_an_end_that_is_not_in_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(
        sources=(Endpoint.VAULT,),
        destinations=(Endpoint.DATABASE,),
        ports=(Port(number=25060),),
        how="TLS",
        why="a mistake",
    )
    monkeypatch.setattr(tailnet_policy, "FLOWS", (flow,))
    with pytest.raises(ValueError, match=r"'database' is no member of the mesh.*mend the table"):
        policy(["acme"])
