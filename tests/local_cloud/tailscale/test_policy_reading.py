"""What a policy file may say, and how it is told what it may not."""

import json
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.tailscale.policy.default import DEFAULT
from local_cloud.tailscale.policy.errors import PolicyError, PolicyUnsupportedError
from local_cloud.tailscale.policy.model import ANY_PORT
from local_cloud.tailscale.policy.names import ports
from local_cloud.tailscale.policy.reading import ALLOW_ALL, read

WHOLE: dict[str, Any] = {
    "groups": {"group:ops": ["a@example.com"]},
    "hosts": {"db": "10.0.0.5", "net": "10.0.0.0/8"},
    "tagOwners": {"tag:a": ["group:ops", "autogroup:admin"], "tag:b": ["tag:a"]},
    "acls": [{"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22,80-90", "db:5432"], "proto": "tcp"}],
    "grants": [{"src": ["*"], "dst": ["net"], "ip": ["tcp:443", "icmp:*", "53"]}],
    "autoApprovers": {"routes": {"10.0.0.0/8": ["tag:a"]}, "exitNode": ["group:ops"]},
    "ssh": [{"action": "check", "src": ["group:ops"], "dst": ["tag:a"], "users": ["root"]}],
    "nodeAttrs": [{"target": ["*"], "attr": ["funnel"]}],
    "tests": [{"src": "tag:a", "accept": ["tag:b:22"], "deny": ["10.0.0.5:22"]}],
    "randomizeClientPort": True,
}


def changed(**sections: Any) -> str:
    return json.dumps({**WHOLE, **sections})


def test_every_section_is_read() -> None:
    policy = read(json.dumps(WHOLE))
    rule = policy.rules[0]
    assert [end.ports for end in rule.destinations] == [((22, 22), (80, 90)), ((5432, 5432),)]
    assert rule.destinations[1].target.network == ip_network("10.0.0.5/32")
    assert rule.protocols == {6}
    assert [one.protocols for one in policy.rules[1:]] == [{6}, {1, 58}, {1, 6, 17, 58}]
    assert policy.tag_owners["tag:b"] == ("tag:a",)
    assert len(policy.tests) == 1


def test_old_names_and_other_cases_mean_the_same() -> None:
    old = {
        "TagOwners": {"tag:a": []},
        "ACLs": [{"Action": "accept", "Users": ["tag:a"], "Ports": ["*:*"]}],
        "Tests": [{"User": "tag:a", "Allow": ["tag:a:1"]}],
    }
    new = {
        "tagOwners": {"tag:a": []},
        "acls": [{"action": "accept", "src": ["tag:a"], "dst": ["*:*"]}],
        "tests": [{"src": "tag:a", "accept": ["tag:a:1"]}],
    }
    assert read(json.dumps(old)) == read(json.dumps(new))


def test_without_rules_everything_passes_and_with_an_empty_list_nothing() -> None:
    assert read("{}").rules == (ALLOW_ALL,)
    assert read('{"acls": []}').rules == ()
    assert read('{"grants": []}').rules == ()


def test_the_default_lets_everybody_reach_everybody() -> None:
    (rule,) = read(DEFAULT).rules
    assert [target.kind for target in rule.sources] == ["any"]
    assert rule.destinations[0].ports == (ANY_PORT,)


def acl(**fields: Any) -> list[dict[str, Any]]:
    return [{"action": "accept", "src": ["*"], "dst": ["*:*"], **fields}]


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"acls": acl(src=["tag:x"])}, 'acls[0].src: tag not found: "tag:x"'),
        ({"acls": acl(src=["group:x"])}, 'acls[0].src: group not found: "group:x"'),
        ({"acls": acl(src=["autogroup:x"])}, 'autogroup not found: "autogroup:x"'),
        ({"acls": acl(src=["nobody"])}, '"nobody" is no user'),
        ({"acls": acl(dst=["tag:a"])}, '"tag:a" has no port: write "tag:a:*"'),
        ({"acls": acl(dst=["tag:a:ssh"])}, '"ssh" is no port'),
        ({"acls": acl(src=["tag:a"], dst=["autogroup:self:*"])}, "autogroup:self is for users"),
        ({"grants": [{"src": ["*"], "dst": ["autogroup:self"], "ip": ["*"]}]}, "autogroup:self is for"),
        ({"acls": acl(dst=["db"])}, '"db" has no port'),
        ({"acls": acl(dst=["db:65536"])}, '"65536" is no port'),
        ({"acls": acl(dst=["db:90-80"])}, "90 is above 80"),
        ({"acls": acl(dst=["db:²"])}, "is no port"),
        ({"acls": acl(proto="xyz")}, 'unknown protocol "xyz"'),
        ({"acls": acl(proto="icmp", dst=["db:22"])}, "no ports"),
        ({"acls": acl(action="deny")}, "acls[0].action: Input should be 'accept'"),
        ({"acls": acl(when="now")}, 'unknown field "acls[0].when"'),
        ({"acls": [{"action": "accept", "src": ["*"]}]}, "acls[0].dst: Field required"),
        ({"acls": acl(src="*")}, "acls[0].src: Input should be a valid list"),
        ({"rules": []}, 'unknown field "rules"'),
        ({"groups": {"ops": []}}, 'has to begin with "group:"'),
        ({"groups": {"group:ops": ["group:b"]}}, "is no user"),
        ({"tagOwners": {"a": []}}, 'has to begin with "tag:"'),
        ({"tagOwners": {"tag:a": ["tag:z"]}}, 'tag not found: "tag:z"'),
        ({"hosts": {"db": "nowhere"}}, '"nowhere" is no address'),
        ({"hosts": {"a:b": "10.0.0.1"}}, "is no name for a host"),
        ({"autoApprovers": {"routes": {"x": []}}}, '"x" is no address'),
        ({"ssh": [{"action": "accept", "src": ["tag:x"], "dst": ["tag:a"], "users": []}]}, "tag:x"),
        ({"nodeAttrs": [{"target": ["tag:x"]}]}, "tag:x"),
        ({"tests": [{"src": "tag:x", "deny": ["tag:a:1"]}]}, 'tests[0].src: tag not found: "tag:x"'),
        ({"tests": [{"src": "*", "deny": ["tag:a:1"]}]}, "too wide"),
        ({"tests": [{"src": "tag:a", "deny": ["*:1"]}]}, "too wide"),
        ({"tests": [{"src": "tag:a", "deny": ["tag:b:*"]}]}, "one port"),
        ({"tests": [{"src": "tag:a", "deny": ["tag:b:1-2"]}]}, "one port"),
        ({"tests": [{"src": "tag:a", "proto": "x", "deny": ["tag:b:1"]}]}, "unknown protocol"),
    ],
)
def test_what_is_wrong_is_named(section: dict[str, Any], reason: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read(changed(**section))
    assert reason in str(refused.value)
    assert not isinstance(refused.value, PolicyUnsupportedError), "Tailscale would refuse it, too"


@pytest.mark.parametrize(
    "section",
    [
        {"grants": [{"src": ["*"], "dst": ["*"], "app": {"example.com/cap": [{}]}}]},
        {"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"], "via": ["tag:a"]}]},
        {"acls": acl(srcPosture=["posture:x"])},
        {"acls": acl(src=["ipset:x"])},
        {"ipsets": {"ipset:x": ["10.0.0.1"]}},
        {"derpMap": {"regions": {}}, "acls": []},
        {"sshTests": [{"src": "tag:a"}]},
        {"tests": [{"src": "tag:a", "deny": ["tag:b:1"], "srcPostureAttrs": {"node:os": "linux"}}]},
    ],
)
def test_what_headscale_can_not_enforce_is_refused_and_never_forgotten(section: dict[str, Any]) -> None:
    with pytest.raises(PolicyUnsupportedError, match="headscale"):
        read(changed(**section))


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null"])
def test_a_policy_file_is_an_object(text: str) -> None:
    with pytest.raises(PolicyError, match="object"):
        read(text)


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted), min_size=1, max_size=4))
def test_ports_are_what_they_say(ranges: list[list[int]]) -> None:
    text = ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)
    assert ports(text, "here") == tuple((low, high) for low, high in ranges)
