"""The life of each resource of the Tailscale stand-in, against a fake API."""

import json
from typing import Any

import grpc
import pytest
from digitalocean_fake import Fault
from plugin_client import Plugin
from tailscale_fake import DEFAULT_POLICY, FakeTailnet

from toolchain.plugins.base.values import UNKNOWN, Properties, Secret, decode

KEY = {
    "description": "acme agent 1",
    "ephemeral": True,
    "expiry": 600,
    "preauthorized": True,
    "tags": ["tag:acme-agent"],
    "recreateIfInvalid": "never",
}
POLICY = '{\n  // ours\n  "acls": [{"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22"]}],\n}'
SETTINGS: list[tuple[str, Properties, Properties]] = [
    ("DnsNameservers", {"nameservers": ["1.1.1.1", "9.9.9.9"]}, {"nameservers": ["9.9.9.9"]}),
    ("DnsPreferences", {"magicDns": True}, {"magicDns": False}),
    ("DnsSearchPaths", {"searchPaths": ["example.com"]}, {"searchPaths": ["example.org"]}),
    (
        "DnsSplitNameservers",
        {"domain": "corp.example", "nameservers": ["10.0.0.1"]},
        {"domain": "corp.example", "nameservers": ["10.0.0.2"]},
    ),
    (
        "DnsConfiguration",
        {
            "nameservers": [{"address": "1.1.1.1"}],
            "splitDns": [{"domain": "corp.example", "nameservers": [{"address": "10.0.0.1"}]}],
        },
        {"nameservers": [{"address": "9.9.9.9", "useWithExitNode": True}], "magicDns": False},
    ),
    ("TailnetSettings", {"devicesApprovalOn": True}, {"devicesApprovalOn": False}),
    (
        "Contacts",
        {"security": {"email": "security@example.com"}},
        {"security": {"email": "soc@example.com"}},
    ),
    (
        "Webhook",
        {"endpointUrl": "https://example.com/hook", "subscriptions": ["nodeCreated", "nodeDeleted"]},
        {"endpointUrl": "https://example.com/hook", "subscriptions": ["nodeCreated"]},
    ),
    (
        "OauthClient",
        {"scopes": ["auth_keys"], "tags": ["tag:control-plane"]},
        {"scopes": ["auth_keys", "devices:core"], "tags": ["tag:control-plane"]},
    ),
]


@pytest.mark.parametrize(("type", "first", "second"), SETTINGS, ids=[each[0] for each in SETTINGS])
def test_a_resource_is_made_found_unchanged_changed_and_removed(
    tailscale: Plugin, type: str, first: Properties, second: Properties
) -> None:
    id, inputs, state = tailscale.make(type, first)
    assert differences(tailscale, type, id, inputs, state) == [], "the same program changes nothing"
    news = tailscale.checked(type, second)
    assert differences(tailscale, type, id, news, state), "another one does"
    state = tailscale.update(type, id, state, inputs, news)
    assert differences(tailscale, type, id, news, state) == [], "and then nothing is left to do"
    tailscale.delete(type, id, state)


def differences(plugin: Plugin, type: str, id: str, inputs: Properties, state: Properties) -> list[str]:
    """What a preview would say after a refresh."""
    read = plugin.read(type, id, state, inputs)
    assert read.id == id, "it is there, under its id"
    return list(plugin.diff(type, decode(read.properties), decode(read.inputs), inputs).diffs)


def test_a_key_is_asked_for_as_the_program_says_and_is_a_secret(
    tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    id, _, state = tailscale.make("TailnetKey", KEY)
    (asked,) = tailnet.requests("POST", "/api/v2/tailnet/-/keys")
    assert asked == {
        "capabilities": {
            "devices": {
                "create": {
                    "reusable": False,
                    "ephemeral": True,
                    "preauthorized": True,
                    "tags": ["tag:acme-agent"],
                }
            }
        },
        "description": "acme agent 1",
        "expirySeconds": 600,
    }
    assert id in tailnet.keys, "the API's id"
    assert isinstance(state["key"], Secret), "the key itself must be encrypted in the state"
    assert state["invalid"] is False, "a new key is valid"


def test_a_refresh_keeps_the_key_that_only_the_state_knows(tailscale: Plugin) -> None:
    id, inputs, state = tailscale.make("TailnetKey", KEY)
    refreshed = decode(tailscale.read("TailnetKey", id, state, inputs).properties)
    assert refreshed["key"] == state["key"], "the API tells it once"
    assert differences(tailscale, "TailnetKey", id, inputs, state) == []


def test_a_key_without_an_expiry_keeps_the_one_that_the_api_chose(tailscale: Plugin) -> None:
    id, inputs, state = tailscale.make("TailnetKey", {"reusable": True})
    assert state["expiry"] == 7776000, "90 days, as the API chose"
    assert differences(tailscale, "TailnetKey", id, inputs, state) == []


@pytest.mark.parametrize("name", ["description", "ephemeral", "expiry", "preauthorized", "reusable", "tags"])
def test_a_key_can_not_be_changed_only_replaced(tailscale: Plugin, name: str) -> None:
    _, inputs, state = tailscale.make("TailnetKey", KEY)
    other: dict[str, Any] = {"description": "b", "expiry": 900, "tags": ["tag:b"], "reusable": True}
    changed = {**inputs, name: other.get(name, False)}
    assert list(tailscale.diff("TailnetKey", state, inputs, changed).replaces) == [name]


@pytest.mark.parametrize(
    ("reusable", "choice", "replaced"),
    [
        (True, None, True),
        (False, None, False),
        (True, "never", False),
        (False, "always", True),
    ],
)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "expired"])
def test_an_invalid_key_is_replaced_if_it_could_be_used_again_or_the_program_says_so(
    tailscale: Plugin, tailnet: FakeTailnet, *, reusable: bool, choice: str | None, replaced: bool, gone: bool
) -> None:
    news = {"reusable": reusable, **({"recreateIfInvalid": choice} if choice else {})}
    id, inputs, state = tailscale.make("TailnetKey", news)
    if gone:
        tailnet.keys.clear()
    else:
        tailnet.keys[id]["invalid"] = True
    read = tailscale.read("TailnetKey", id, state, inputs)
    assert decode(read.properties)["invalid"] is True, "a refresh notices"
    found = tailscale.diff("TailnetKey", decode(read.properties), inputs, inputs)
    assert list(found.replaces) == (["invalid"] if replaced else [])
    assert (found.changes == found.DIFF_SOME) == replaced


def test_a_key_that_has_gone_is_deleted_without_complaint(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    id, _, state = tailscale.make("TailnetKey", KEY)
    tailnet.keys.clear()
    tailscale.delete("TailnetKey", id, state)


def test_a_policy_that_somebody_has_changed_is_not_overwritten(
    tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    tailnet.policy_is_default = False
    inputs = tailscale.checked("Acl", {"acl": POLICY})
    with pytest.raises(grpc.RpcError, match=r"isn't the default: import it first .*overwriteExistingContent"):
        tailscale.create("Acl", inputs)
    assert tailnet.policy == DEFAULT_POLICY, "nothing was written"
    tailscale.make("Acl", {"acl": POLICY, "overwriteExistingContent": True})
    assert tailnet.policy == POLICY, "unless the program says so"


def test_a_policy_keeps_its_comments_and_its_layout_makes_no_difference(
    tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    id, inputs, state = tailscale.make("Acl", {"acl": POLICY})
    assert tailnet.policy == POLICY, "sent as it was written"
    tailnet.policy = POLICY.replace("\n  ", "\n\t\t").replace("],\n}", "]\n}")
    assert differences(tailscale, "Acl", id, inputs, state) == [], "indentation and a trailing comma"
    tailnet.policy = POLICY.replace("ours", "theirs")
    assert differences(tailscale, "Acl", id, inputs, state) == ["acl"], "a comment is part of the policy"


def test_a_policy_outlives_its_resource_unless_the_program_says_so(
    tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    id, _, state = tailscale.make("Acl", {"acl": POLICY})
    tailscale.delete("Acl", id, state)
    assert tailnet.policy == POLICY
    tailscale.delete("Acl", id, {**state, "resetAclOnDestroy": True})
    assert tailnet.policy == DEFAULT_POLICY


def test_a_preview_validates_a_policy_by_its_own_tests(tailscale: Plugin) -> None:
    failures = tailscale.check("Acl", {"acl": '{"tests": [/* failing */]}'}).failures
    assert [failure.property for failure in failures] == ["acl"]
    assert "test(s) failed (ann: no way)" in failures[0].reason, "the API's own words"


def test_an_imported_policy_is_the_tailnets(tailscale: Plugin) -> None:
    read = tailscale.read("Acl", "acl")
    assert decode(read.inputs)["acl"] == DEFAULT_POLICY


@pytest.mark.parametrize(
    ("type", "values", "field"),
    [
        ("DeviceAuthorization", {"authorized": True}, "authorized"),
        ("DeviceKey", {"keyExpiryDisabled": True}, "keyExpiryDisabled"),
        ("DeviceTags", {"tags": ["tag:a", "tag:b"]}, "tags"),
        ("DeviceSubnetRoutes", {"routes": ["10.0.0.0/24"]}, "enabledRoutes"),
    ],
)
def test_a_device_is_set_found_so_and_left_with_the_resource(
    tailscale: Plugin, tailnet: FakeTailnet, type: str, values: Properties, field: str
) -> None:
    device = tailnet.add_device("acme-agent-1")
    id, inputs, state = tailscale.make(type, {"deviceId": device["nodeId"], **values})
    assert device[field] == next(iter(values.values())), "the device is as the program says"
    assert differences(tailscale, type, id, inputs, state) == []
    moved = tailscale.diff(type, state, inputs, {**inputs, "deviceId": "n999"})
    assert list(moved.replaces) == ["deviceId"], "another device is another thing"
    tailscale.delete(type, id, state)
    tailnet.devices.clear()
    assert tailscale.read(type, id, state, inputs).id == "", "with the device it has gone"
    tailscale.delete(type, id, state)


def test_a_preview_of_a_key_makes_no_call(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    inputs = tailscale.checked("TailnetKey", {**KEY, "description": UNKNOWN})
    _, state = tailscale.create("TailnetKey", inputs, preview=True)
    assert (state["key"], state["description"]) == (Secret(UNKNOWN), UNKNOWN) or state["key"] is UNKNOWN
    assert not tailnet.calls


def test_an_error_quotes_the_api_and_never_the_key(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    body = {"message": "requested tags [tag:x] are invalid or not permitted"}
    tailnet.faults.append(Fault("POST", "/api/v2/tailnet/-/keys", status=400, body=body))
    with pytest.raises(grpc.RpcError) as caught:
        tailscale.make("TailnetKey", KEY)
    said = caught.value.details()
    assert "POST /api/v2/tailnet/-/keys: 400" in said, "what was asked for"
    assert body["message"] in said, "and what the API says"
    assert tailnet.api_key not in said


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_refusal_is_tried_again(tailscale: Plugin, tailnet: FakeTailnet, status: int) -> None:
    where = "/api/v2/tailnet/-/dns/preferences"
    tailnet.faults.append(Fault("POST", where, status=status, headers={}, body={"message": "later"}))
    tailscale.make("DnsPreferences", {"magicDns": True})
    assert len(tailnet.requests("POST", where)) == 2


def test_a_key_is_never_asked_for_twice(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    tailnet.faults.append(Fault("POST", "/api/v2/tailnet/-/keys", drops_after=True))
    with pytest.raises(grpc.RpcError, match="the connection broke before an answer came"):
        tailscale.make("TailnetKey", KEY)
    assert len(tailnet.keys) == 1, "a second one would be a key that nobody knows of"


def test_the_state_of_a_policy_is_json_that_the_engine_can_keep(tailscale: Plugin) -> None:
    _, _, state = tailscale.make("Acl", {"acl": POLICY})
    assert json.loads(json.dumps(state))["overwriteExistingContent"] is False, "the default is filled in"
