"""Devices: listed in one call, found by both ids, and changed in headscale."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import httpx
import pytest
from recording_coordination import RecordingCoordination

from local_cloud.hypervisor.mesh.model import MeshNode

DEVICES = "/tailnet/-/devices"
Join = Callable[..., MeshNode]


@pytest.fixture
def join(tagged: httpx.Client, coordination: RecordingCoordination) -> Join:
    def joined(hostname: str, *tags: str, **create: Any) -> MeshNode:
        order = {"capabilities": {"devices": {"create": {"tags": tags, **create}}}}
        return coordination.join(tagged.post("/tailnet/-/keys", json=order).json()["key"], hostname)

    return joined


def test_a_device_has_tailscales_shape(tagged: httpx.Client, join: Join) -> None:
    node = join("acme-agent-1", "tag:a", ephemeral=True)
    (device,) = tagged.get(DEVICES).json()["devices"]
    assert device == {
        "addresses": [str(node.addresses[0])],
        "id": node.id,
        "nodeId": device["nodeId"],
        "user": "tagged-devices",
        "name": "acme-agent-1.local.tailnet",
        "hostname": "acme-agent-1",
        "clientVersion": "",
        "updateAvailable": False,
        "os": "linux",
        "created": node.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "connectedToControl": True,
        "keyExpiryDisabled": True,
        "expires": "0001-01-01T00:00:00Z",
        "authorized": True,
        "isExternal": False,
        "machineKey": node.machine_key,
        "nodeKey": node.node_key,
        "blocksIncomingConnections": False,
        "tailnetLockKey": "",
        "tailnetLockError": "",
        "tags": ["tag:a"],
        "isEphemeral": True,
    }
    assert device["nodeId"].startswith("n")
    assert device["nodeId"].endswith("CNTRL")


def test_a_device_that_is_away_says_when_it_was_seen(
    tagged: httpx.Client, join: Join, coordination: RecordingCoordination
) -> None:
    node = join("host", "tag:a")
    seen = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    coordination.nodes[node.id] = replace(node, online=False, last_seen_at=seen)
    device = tagged.get(f"/device/{node.id}").json()
    assert (device["connectedToControl"], device["lastSeen"]) == (False, "2026-01-02T03:04:05Z")


def test_a_device_without_a_tag_is_its_users(tagged: httpx.Client, join: Join) -> None:
    node = join("laptop")
    device = tagged.get(f"/device/{node.id}").json()
    assert (device["user"], device["tags"]) == ("owner@local.tailnet", [])


def test_all_fields_have_the_routes_as_well(tagged: httpx.Client, join: Join) -> None:
    node = join("router", "tag:a")
    assert "enabledRoutes" not in tagged.get(f"/device/{node.id}").json()
    everything = tagged.get(DEVICES, params={"fields": "all"}).json()["devices"][0]
    assert (everything["advertisedRoutes"], everything["enabledRoutes"]) == ([], [])
    assert tagged.get(DEVICES, params={"fields": "some"}).status_code == 400


def test_devices_are_listed_with_one_question_to_headscale(
    tagged: httpx.Client, join: Join, coordination: RecordingCoordination
) -> None:
    for number in range(5):
        join(f"host-{number}", "tag:a")
    coordination.calls.clear()
    assert len(tagged.get(DEVICES).json()["devices"]) == 5
    assert coordination.calls == ["list_nodes"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("hostname=two", ["two"]),
        ("tags=tag:a", ["one", "both"]),
        ("tags=tag:a&tags=tag:b", ["both"]),
        ("isEphemeral=true", ["two"]),
        ("isEphemeral=false&tags=tag:a", ["one", "both"]),
        ("hostname=nobody", []),
    ],
)
def test_devices_can_be_filtered(tagged: httpx.Client, join: Join, query: str, found: list[str]) -> None:
    join("one", "tag:a")
    join("two", "tag:b", ephemeral=True)
    join("both", "tag:a", "tag:b")
    devices = tagged.get(f"{DEVICES}?{query}").json()["devices"]
    assert [device["hostname"] for device in devices] == found


def test_an_unknown_filter_is_refused(tagged: httpx.Client, join: Join) -> None:
    join("one", "tag:a")
    assert tagged.get(f"{DEVICES}?colour=red").status_code == 400


def test_a_device_is_found_by_both_of_its_ids_until_it_is_deleted(
    tagged: httpx.Client, join: Join, coordination: RecordingCoordination
) -> None:
    node = join("host", "tag:a")
    device = tagged.get(f"/device/{node.id}").json()
    assert tagged.get(f"/device/{device['nodeId']}").json() == device
    assert tagged.delete(f"/device/{device['nodeId']}").status_code == 200
    assert coordination.nodes == {}
    for identifier in (device["id"], device["nodeId"]):
        for method in ("GET", "DELETE"):
            answer = tagged.request(method, f"/device/{identifier}")
            assert (answer.status_code, answer.json()) == (404, {"message": "device not found"})


def test_a_device_that_headscale_numbers_as_an_old_one_is_another(
    tagged: httpx.Client, join: Join, coordination: RecordingCoordination
) -> None:
    node = join("host", "tag:a")
    old = tagged.get(f"/device/{node.id}").json()["nodeId"]
    coordination.nodes[node.id] = replace(node, machine_key="mkey:other")
    assert tagged.get(f"/device/{old}").status_code == 404


def test_tags_are_changed_to_such_as_the_policy_knows(
    tagged: httpx.Client, join: Join, coordination: RecordingCoordination
) -> None:
    node = join("host", "tag:a")
    assert tagged.post(f"/device/{node.id}/tags", json={"tags": ["tag:b", "tag:c"]}).status_code == 200
    assert coordination.nodes[node.id].tags == ("tag:b", "tag:c")
    answer = tagged.post(f"/device/{node.id}/tags", json={"tags": ["tag:x"]})
    assert answer.json() == {"message": "requested tags [tag:x] are invalid or not permitted"}
    assert coordination.nodes[node.id].tags == ("tag:b", "tag:c")


def test_a_device_is_renamed_by_a_base_name_or_a_whole_one(tagged: httpx.Client, join: Join) -> None:
    node, other = join("host", "tag:a"), join("other", "tag:a")

    def named(name: str) -> str:
        answer = tagged.post(f"/device/{node.id}/name", json={"name": name})
        assert answer.status_code == 200, answer.text
        found: str = tagged.get(f"/device/{node.id}").json()["name"]
        return found

    assert named("first") == "first.local.tailnet"
    assert named("second.local.tailnet") == "second.local.tailnet"
    assert named("") == "host.local.tailnet", "its host's own again"
    assert tagged.post(f"/device/{node.id}/name", json={"name": "a.b"}).status_code == 400
    assert tagged.post(f"/device/{node.id}/name", json={"name": other.name}).status_code == 409


def test_a_device_expires(tagged: httpx.Client, join: Join) -> None:
    node = join("host", "tag:a")
    assert tagged.post(f"/device/{node.id}/expire").status_code == 200
    device = tagged.get(f"/device/{node.id}").json()
    assert device["keyExpiryDisabled"] is False
    assert datetime.fromisoformat(device["expires"]) <= datetime.now(UTC)


def test_routes_are_enabled(tagged: httpx.Client, join: Join, coordination: RecordingCoordination) -> None:
    node = join("router", "tag:a")
    coordination.nodes[node.id] = replace(node, available_routes=(IPv4Network("10.1.0.0/16"),))
    answer = tagged.post(f"/device/{node.id}/routes", json={"routes": ["10.1.0.0/16", "10.2.0.0/16"]})
    wanted = {"advertisedRoutes": ["10.1.0.0/16"], "enabledRoutes": ["10.1.0.0/16", "10.2.0.0/16"]}
    assert answer.json() == wanted
    assert tagged.get(f"/device/{node.id}/routes").json() == wanted
    assert tagged.post(f"/device/{node.id}/routes", json={"routes": ["10.1.0.1/16"]}).status_code == 400


def test_what_headscale_can_not_change_is_not_said_to_be_changed(tagged: httpx.Client, join: Join) -> None:
    node = join("host", "tag:a")

    def asked(what: str, **body: Any) -> int:
        return tagged.post(f"/device/{node.id}/{what}", json=body).status_code

    assert asked("authorized", authorized=True) == 200
    assert asked("authorized", authorized=False) == 501
    assert asked("key", keyExpiryDisabled=True) == 200
    assert asked("key", keyExpiryDisabled=False) == 501
    assert asked("ip", ipv4="100.64.0.9") == 501


def test_without_headscale_devices_are_an_error_and_not_an_empty_list(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    coordination.failing.add("list_nodes")
    answer = tagged.get(DEVICES)
    assert answer.status_code == 500
    assert "does not answer" in answer.json()["message"]
