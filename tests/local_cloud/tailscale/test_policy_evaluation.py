"""Whether a policy's tests hold: examples in Tailscale's words, and what is true of every policy."""

import json
from ipaddress import ip_network
from typing import Any

import pytest
from drawn_policies import ACLS, DECLARED, DEVICES, OUTSIDE, POLICIES, PORT, TAGS
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.tailscale.policy.evaluation import MESH_RANGES, Device, Reach, failures
from local_cloud.tailscale.policy.headscale import for_headscale
from local_cloud.tailscale.policy.model import OWNER, Policy
from local_cloud.tailscale.policy.reading import read


def policy(*acls: dict[str, Any], tests: list[dict[str, Any]] | None = None) -> Policy:
    return read(json.dumps({**DECLARED, "acls": acls, "tests": tests or []}))


def rule(src: str, dst: str, **fields: Any) -> dict[str, Any]:
    return {"action": "accept", "src": [src], "dst": [dst], **fields}


def accepts(found: Policy, source: Device, end: Device, port: int, protocol: int = 6) -> bool:
    return Reach.of(found, source, frozenset({protocol})).covers(end, port)


def said(found: Policy, *devices: Device) -> list[tuple[str, tuple[str, ...]]]:
    return [(failure.source, failure.errors) for failure in failures(found, found.tests, devices)]


def test_a_test_that_fails_says_what_it_wanted_and_what_it_got() -> None:
    found = policy(
        rule("tag:a", "tag:b:22"),
        tests=[
            {"src": "tag:a", "deny": ["tag:b:22", "tag:b:23"], "accept": ["tag:c:1"]},
            {"src": "tag:b", "deny": ["tag:a:22"]},
            {"src": "tag:a", "accept": ["tag:b:80"]},
        ],
    )
    assert said(found) == [
        (
            "tag:a",
            (
                'address "tag:c:1": want: Accept, got: Drop',
                'address "tag:b:22": want: Drop, got: Accept',
                'address "tag:b:80": want: Accept, got: Drop',
            ),
        )
    ], "one entry for each source; tag:b's test holds"


@pytest.mark.parametrize(
    ("acl", "src", "dst", "passes"),
    [
        (rule("*", "*:*"), "tag:a", "tag:b:1", True),
        (rule("tag:a", "tag:b:22"), "tag:b", "tag:a:22", False),
        (rule("group:ops", "tag:b:22"), "stranger@example.com", "tag:b:22", True),
        (rule("group:ops", "tag:b:22"), "group:ops", "tag:b:22", True),
        (rule("group:ops", "tag:b:22"), "other@example.com", "tag:b:22", False),
        (rule("group:ops", "tag:b:22"), "tag:a", "tag:b:22", False),
        (rule("autogroup:member", "tag:b:22"), OWNER, "tag:b:22", True),
        (rule("autogroup:member", "tag:b:22"), "tag:a", "tag:b:22", False),
        (rule("autogroup:tagged", "tag:b:22"), "tag:a", "tag:b:22", True),
        (rule("autogroup:tagged", "tag:b:22"), OWNER, "tag:b:22", False),
        (rule("autogroup:owner", "tag:b:22"), OWNER, "tag:b:22", True),
        (rule("autogroup:owner", "tag:b:22"), "stranger@example.com", "tag:b:22", False),
        (rule("autogroup:member", "autogroup:self:22"), OWNER, f"{OWNER}:22", True),
        (rule("autogroup:member", "autogroup:self:22"), OWNER, "stranger@example.com:22", False),
        (rule("autogroup:member", "autogroup:internet:443"), OWNER, "8.8.8.8:443", True),
        (rule("autogroup:member", "autogroup:internet:443"), OWNER, "10.0.0.5:443", False),
        (rule("autogroup:member", "autogroup:internet:443"), OWNER, "tag:b:443", False),
        (rule("tag:a", "db:5432"), "tag:a", "10.0.0.5:5432", True),
        (rule("tag:a", "10.0.0.0/8:5432"), "tag:a", "db:5432", True),
        (rule("tag:a", "10.0.0.4:5432"), "tag:a", "db:5432", False),
        (rule("100.64.0.0/10", "tag:b:22"), "tag:a", "tag:b:22", True),
        (rule("100.64.0.0/16", "tag:b:22"), "tag:a", "tag:b:22", False),
        (rule("tag:a", "tag:b:22", proto="udp"), "tag:a", "tag:b:22", True),
        (rule("tag:a", "tag:b:*", proto="icmp"), "tag:a", "tag:b:22", False),
    ],
)
def test_who_reaches_what(acl: dict[str, Any], src: str, dst: str, passes: bool) -> None:  # noqa: FBT001
    assert bool(said(policy(acl, tests=[{"src": src, "accept": [dst]}]))) is not passes
    assert bool(said(policy(acl, tests=[{"src": src, "deny": [dst]}]))) is passes


def test_a_group_reaches_what_each_of_its_members_reaches() -> None:
    one_of_them = rule("stranger@example.com", "tag:b:22")
    for wanted in ("accept", "deny"):
        found = policy(one_of_them, tests=[{"src": "group:ops", wanted: ["tag:b:22"]}])
        assert said(found), "one member gets through, and one doesn't"


def test_a_protocol_is_looked_at_when_the_test_names_one() -> None:
    acl = rule("tag:a", "tag:b:53", proto="udp")
    for protocol, passes in (("tcp", False), ("udp", True), ("17", True), ("6", False)):
        found = policy(acl, tests=[{"src": "tag:a", "proto": protocol, "deny": ["tag:b:53"]}])
        assert bool(said(found)) is passes, protocol


def test_what_a_device_really_is_counts_too() -> None:
    both = Device(networks=(ip_network("100.64.0.1"),), tags=frozenset({"tag:a", "tag:b"}))
    through_a_tag = policy(rule("tag:b", "tag:c:22"), tests=[{"src": "tag:a", "deny": ["tag:c:22"]}])
    assert said(through_a_tag) == []
    assert said(through_a_tag, both), "one that has tag:a gets through by its other tag"

    by_address = policy(rule("tag:c", "one:22"), tests=[{"src": "tag:c", "deny": ["tag:a:22"]}])
    assert said(by_address) == []
    assert said(by_address, both), "it has the address that the rule names"
    assert said(by_address, Device(networks=MESH_RANGES, tags=frozenset({"tag:a"}))) == []


def test_a_range_is_denied_when_no_part_of_it_passes() -> None:
    found = policy(rule("tag:a", "10.1.0.0/16:22"), tests=[{"src": "tag:a", "deny": ["10.0.0.0/8:22"]}])
    assert said(found), "a part of it is open"
    found = policy(rule("tag:a", "10.1.0.0/16:22"), tests=[{"src": "tag:a", "accept": ["10.0.0.0/8:22"]}])
    assert said(found), "and a part of it is shut"


def test_nobody_reaches_an_empty_group() -> None:
    found = policy(rule("*", "*:*"), tests=[{"src": "tag:a", "accept": ["group:empty:1"]}])
    assert said(found) == [("tag:a", ('address "group:empty:1": want: Accept, got: Drop',))]


@given(POLICIES, st.sampled_from(TAGS), st.sampled_from(TAGS), PORT)
def test_what_is_not_accepted_is_denied(
    document: dict[str, Any], source: str, destination: str, port: int
) -> None:
    def holds(wanted: str) -> bool:
        test = {"src": source, wanted: [f"{destination}:{port}"]}
        return not said(read(json.dumps({**document, "tests": [test]})))

    assert holds("accept") is not holds("deny"), "of two tags that no device has yet"


@given(POLICIES, ACLS, DEVICES, DEVICES | OUTSIDE, PORT)
def test_another_rule_shuts_nothing(
    document: dict[str, Any], more: dict[str, Any], source: Device, end: Device, port: int
) -> None:
    fewer = read(json.dumps(document))
    wider = read(json.dumps({**document, "acls": [*document["acls"], more]}))
    assert accepts(wider, source, end, port) >= accepts(fewer, source, end, port)


@given(POLICIES, DEVICES, DEVICES | OUTSIDE, PORT, st.sampled_from([6, 17, 132]))
def test_headscale_is_told_what_lets_the_same_through(
    document: dict[str, Any], source: Device, end: Device, port: int, protocol: int
) -> None:
    found = read(json.dumps(document))
    told = read(for_headscale(found, OWNER))
    wanted = accepts(found, source, end, port, protocol)
    assert accepts(told, source, end, port, protocol) is wanted


@given(POLICIES)
def test_headscale_is_told_nothing_that_it_does_not_know(document: dict[str, Any]) -> None:
    told = json.loads(for_headscale(read(json.dumps(document)), "tailnet@"))
    assert told.keys() == {"tagOwners", "acls", "autoApprovers"}
    assert set(told["tagOwners"]) == set(TAGS)
    assert all(owners == [] for owners in told["tagOwners"].values()), "headscale gives no tag by itself"
    for acl in told["acls"]:
        assert acl.keys() <= {"action", "proto", "src", "dst"}
        assert acl["src"], "an empty list of sources would be a mistake"
        assert acl["dst"]
        names = [*acl["src"], *(end.rpartition(":")[0] for end in acl["dst"])]
        assert not any(name.startswith(("group:", "autogroup:")) for name in names)


def test_approvers_of_routes_are_told_to_headscale() -> None:
    approvers = {"routes": {"10.0.0.0/8": ["tag:a", "group:ops"]}, "exitNode": ["autogroup:admin"]}
    found = read(json.dumps({**DECLARED, "acls": [], "autoApprovers": approvers}))
    assert json.loads(for_headscale(found, "tailnet@"))["autoApprovers"] == {
        "routes": {"10.0.0.0/8": ["tag:a", "tailnet@", "stranger@example.com"]},
        "exitNode": ["tailnet@"],
    }
