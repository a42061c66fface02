"""The functions of the Tailscale stand-in, against a fake API."""

import threading
import time
from typing import Any

import grpc
import pytest
from digitalocean_fake import Fault
from plugin_client import Plugin
from tailscale_fake import DEFAULT_POLICY, FakeTailnet

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.tailscale.durations import seconds


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("1m30s", 90), ("1.5h", 5400), ("500ms", 0.5)])
def test_durations_are_read_as_go_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "90", "90 s", "ten", "1m30", "s"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ProviderError, match="is no duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("field", "wanted"), [("hostname", "acme-agent-1"), ("name", "acme-agent-1.local.tailnet")]
)
def test_a_device_is_found_by_its_name(
    tailscale: Plugin, tailnet: FakeTailnet, field: str, wanted: str
) -> None:
    tailnet.add_device("acme-agent-10")
    device = tailnet.add_device("acme-agent-1", tags=["tag:acme-agent"])
    found = tailscale.invoke("getDevice", **{field: wanted})
    assert (found["id"], found["nodeId"]) == (device["id"], device["nodeId"])
    assert found["addresses"] == device["addresses"]
    assert (found["authorized"], found["tags"], found["lastSeen"]) == (False, ["tag:acme-agent"], "")


def test_a_device_that_comes_later_is_waited_for(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    timer = threading.Timer(0.5, lambda: tailnet.add_device("acme-agent-1"))
    timer.start()
    found = tailscale.invoke("getDevice", hostname="acme-agent-1", waitFor="10s")
    assert (found["hostname"], found["waitFor"]) == ("acme-agent-1", "10s")
    timer.join()


def test_a_device_that_never_comes_is_reported_as_the_official_provider_does(tailscale: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match='could not find device with hostname="acme-agent-1"'):
        tailscale.invoke("getDevice", hostname="acme-agent-1")
    begun = time.monotonic()
    expected = (
        r'failed after maximum of retries within 2s: could not find device with hostname="acme-agent-1"'
    )
    with pytest.raises(grpc.RpcError, match=expected):
        tailscale.invoke("getDevice", hostname="acme-agent-1", waitFor="2s")
    assert time.monotonic() - begun > 0.9, "a look a second"


def test_a_cancelled_update_waits_for_no_device(tailscale: Plugin) -> None:
    threading.Timer(0.3, tailscale.cancel).start()
    with pytest.raises(grpc.RpcError, match="cancelled by the engine"):
        tailscale.invoke("getDevice", hostname="acme-agent-1", waitFor="1h")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "exactly one of name and hostname"),
        ({"name": "a", "hostname": "b"}, "exactly one of name and hostname"),
        ({"name": "a", "waitFor": "soon"}, '"soon" is no duration'),
        ({"name": "a", "waitFor": "1s"}, "not more than a second"),
    ],
)
def test_a_search_that_can_not_be_is_refused(
    tailscale: Plugin, arguments: dict[str, str], reason: str
) -> None:
    with pytest.raises(grpc.RpcError, match=reason):
        tailscale.invoke("getDevice", **arguments)


def test_devices_are_chosen_by_prefix_and_filters(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    tailnet.add_device("acme-agent-1", tags=["tag:acme-agent"])
    tailnet.add_device("acme-guardrail", tags=["tag:acme-guardrail"])
    tailnet.add_device("globex-agent-1", tags=["tag:globex-agent"])

    def names(**arguments: Any) -> list[str]:
        return [each["hostname"] for each in tailscale.invoke("getDevices", **arguments)["devices"]]

    assert names() == ["acme-agent-1", "acme-guardrail", "globex-agent-1"]
    assert names(namePrefix="acme-") == ["acme-agent-1", "acme-guardrail"]
    tags = [{"name": "tags", "values": ["tag:acme-agent", "tag:globex-agent"]}]
    assert names(filters=tags) == ["acme-agent-1", "globex-agent-1"]


def test_the_policy_is_told_as_it_is_and_as_json(tailscale: Plugin) -> None:
    found = tailscale.invoke("getAcl")
    assert found["hujson"] == DEFAULT_POLICY
    assert found["json"] == '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}'


def test_users_are_found_by_id_by_login_name_and_all_together(tailscale: Plugin) -> None:
    assert tailscale.invoke("getUser", id="u1")["loginName"] == "ann@example.com"
    assert tailscale.invoke("getUser", loginName="ann@example.com")["id"] == "u1"
    assert [each["id"] for each in tailscale.invoke("getUsers", role="owner")["users"]] == ["u1"]
    with pytest.raises(grpc.RpcError, match='could not find user with loginName="bob"'):
        tailscale.invoke("getUser", loginName="bob")


def test_an_ipv4_network_behind_a_site_has_an_ipv6_one(tailscale: Plugin) -> None:
    found = tailscale.invoke("get4Via6", site=7, cidr="10.1.1.0/24")
    assert found["ipv6"] == "fd7a:115c:a1e0:b1a:0:7:a01:100/120"
    for arguments in ({"site": 70000, "cidr": "10.0.0.0/8"}, {"site": 1, "cidr": "10.0.0.1/8"}):
        with pytest.raises(grpc.RpcError, match="get4Via6"):
            tailscale.invoke("get4Via6", **arguments)


def test_a_function_that_is_not_there_is_named(tailscale: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"getService: .* lacks this function; it has get4Via6"):
        tailscale.invoke("getService", name="svc:a")


def test_a_refusal_that_is_no_json_still_has_its_status(tailscale: Plugin, tailnet: FakeTailnet) -> None:
    fault = Fault("GET", "/api/v2/tailnet/-/acl", status=404)
    fault.body = ["gone"]  # type: ignore[assignment]
    tailnet.faults.append(fault)
    with pytest.raises(grpc.RpcError, match="404 Not Found: no message"):
        tailscale.invoke("getAcl")
