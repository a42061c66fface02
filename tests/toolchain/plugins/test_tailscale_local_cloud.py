"""Every resource of the Tailscale stand-in against the API of the local cloud."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from plugin_client import Plugin
from plugin_stack import Stack
from recording_coordination import RecordingCoordination
from running_tailnet import RunningTailnet

from local_cloud.tailscale.ids import new_api_key
from toolchain.plugins.base.values import decode, reveal

TAGS = {"tag:acme-agent": [], "tag:control-plane": []}
POLICY = json.dumps({"tagOwners": TAGS, "acls": [], "tests": []})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningTailnet]:
    running = RunningTailnet(tmp_path, RecordingCoordination(), new_api_key())
    yield running
    running.stop()


@pytest.fixture
def local(unconfigured_tailscale: Plugin, running: RunningTailnet) -> Plugin:
    unconfigured_tailscale.configure(apiKey=running.api_key, baseUrl=running.url)
    return unconfigured_tailscale


def test_a_tailnet_is_set_up_and_left(local: Plugin) -> None:
    stack = Stack(local)
    stack.add("Acl", acl=POLICY)
    stack.add("DnsNameservers", nameservers=["1.1.1.1"])
    stack.add("DnsPreferences", magicDns=True)
    stack.add("DnsSearchPaths", searchPaths=["acme.example"])
    stack.add("DnsSplitNameservers", domain="corp.example", nameservers=["10.0.0.1"])
    stack.add("TailnetSettings", devicesKeyDurationDays=90)
    stack.add("Webhook", endpointUrl="https://example.com/hook", subscriptions=["nodeCreated"])
    stack.add("OauthClient", scopes=["auth_keys"], tags=["tag:control-plane"], description="control plane")
    stack.add("TailnetKey", description="acme", ephemeral=True, preauthorized=True, tags=["tag:acme-agent"])
    assert not stack.differences(), "the same program changes nothing"
    stack.destroy()


def test_the_dns_is_set_up_as_a_whole(local: Plugin) -> None:
    stack = Stack(local)
    stack.add(
        "DnsConfiguration",
        nameservers=[{"address": "9.9.9.9"}],
        splitDns=[{"domain": "corp.example", "nameservers": [{"address": "10.0.0.1"}]}],
        searchPaths=["acme.example"],
    )
    assert not stack.differences(), "the same program changes nothing"
    stack.destroy()


def test_a_machine_joins_with_the_key_and_is_found(local: Plugin, running: RunningTailnet) -> None:
    stack = Stack(local)
    stack.add("Acl", acl=POLICY)
    key, _, state = local.make("TailnetKey", {"ephemeral": True, "tags": ["tag:acme-agent"], "expiry": 600})
    running.coordination.join(reveal(state["key"]), "acme-agent-1")
    found = local.invoke("getDevice", hostname="acme-agent-1", waitFor="5s")
    assert found["addresses"][0].startswith("100.64.")
    assert found["tags"] == ["tag:acme-agent"]
    stack.add("DeviceTags", deviceId=found["nodeId"], tags=["tag:acme-agent", "tag:control-plane"])
    stack.add("DeviceAuthorization", deviceId=found["nodeId"], authorized=True)
    assert not stack.differences(), "the same program changes nothing"
    assert decode(local.read("TailnetKey", key, state, {}).properties)["invalid"] is True, "it was used"


def test_the_default_policy_is_replaced_and_another_is_not(local: Plugin) -> None:
    local.make("Acl", {"acl": POLICY})
    with pytest.raises(grpc.RpcError, match="isn't the default: import it first"):
        local.make("Acl", {"acl": POLICY})


@pytest.mark.parametrize("policy", ['{"acls": [{"action": "perhaps"}]}', '{"nothing": 1}'])
def test_a_policy_that_can_not_be_is_refused_by_a_preview(local: Plugin, policy: str) -> None:
    (failure,) = local.check("Acl", {"acl": policy}).failures
    assert failure.property == "acl"
    assert "acl/validate: 400" in failure.reason


def test_a_tag_that_nobody_owns_is_refused_in_tailscales_words(local: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"POST /api/v2/tailnet/-/keys: 400 .*tag:nobody"):
        local.make("TailnetKey", {"tags": ["tag:nobody"]})
