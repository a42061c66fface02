"""What headscale is told, and how its answers are understood; without a headscale."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

import httpx
import pytest

from local_cloud.hypervisor.mesh import coordination
from local_cloud.hypervisor.mesh.headscale import configuration
from local_cloud.hypervisor.mesh.model import MeshRefusedError, MeshUnknownError
from local_cloud.hypervisor.model import HypervisorError

NODE: dict[str, Any] = {
    "id": "7",
    "machineKey": "mkey:00",
    "nodeKey": "nodekey:00",
    "ipAddresses": ["100.64.0.7", "fd7a:115c:a1e0::7"],
    "name": "acme-agent",
    "givenName": "acme-agent-1",
    "lastSeen": "2026-11-23T09:15:13.123456789Z",
    "expiry": None,
    "createdAt": "2026-11-23T09:14:13Z",
    "forcedTags": ["tag:tenant-acme-agent"],
    "online": True,
    "approvedRoutes": [],
    "availableRoutes": ["10.9.0.0/24"],
    "preAuthKey": {"id": "3", "ephemeral": True},
}


def test_nothing_of_the_coordination_server_but_tls_and_stun_is_on_the_wire() -> None:
    told = configuration()
    for name in ("metrics_listen_addr", "grpc_listen_addr"):
        assert told[name].startswith("127.0.0.1:"), f"{name}: the namespace's own loopback"
    assert told["listen_addr"] == "192.200.0.101:443", "where clients look for it"
    assert told["derp"]["server"]["stun_listen_addr"] == "192.200.0.101:3478", "and find out who they are"
    assert told["server_url"].startswith("https://"), "clients refuse a relay without TLS"


def test_the_coordination_server_asks_nobody_outside() -> None:
    told = configuration()
    assert told["derp"]["urls"] == [], "no list of Tailscale's relays"
    assert told["disable_check_updates"], "no look at its releases"
    assert not told["logtail"]["enabled"], "members don't send their logs away"


def test_every_file_of_it_is_in_its_own_directory() -> None:
    told = configuration()
    paths = [told["unix_socket"], told["noise"]["private_key_path"], told["database"]["sqlite"]["path"]]
    paths += [told["derp"]["server"]["private_key_path"], told["tls_cert_path"], told["tls_key_path"]]
    assert not [path for path in paths if "/" in path], "which the process is started in"


def test_a_node_is_understood() -> None:
    node = coordination._node(NODE)
    assert node.addresses == (IPv4Address("100.64.0.7"), IPv6Address("fd7a:115c:a1e0::7")), "both kinds"
    assert (node.hostname, node.name) == ("acme-agent", "acme-agent-1"), "what it is called, and known by"
    assert node.last_seen_at == datetime(2026, 11, 23, 9, 15, 13, 123456, UTC), "nanoseconds are cut"
    assert (node.key_id, node.ephemeral) == ("3", True), "as the key that it joined with"
    assert node.available_routes == (IPv4Network("10.9.0.0/24"),), "what it offers"
    assert node.expires_at is None, "it doesn't"


def test_the_zero_time_stands_for_never() -> None:
    node = coordination._node(
        {**NODE, "expiry": "0001-01-01T00:00:00Z", "lastSeen": None, "preAuthKey": None}
    )
    assert node.expires_at is None, "Go's way to say it"
    assert (node.key_id, node.ephemeral, node.last_seen_at) == (None, False, None), "it joined without a key"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500, json={"message": "record not found"}), MeshUnknownError),
        (httpx.Response(500, json={"message": "user not found"}), MeshUnknownError),
        (httpx.Response(400, json={"message": "tag must start with the string 'tag:'"}), MeshRefusedError),
        (httpx.Response(502, text="<html>"), HypervisorError),
        (httpx.Response(500, json=["?"]), HypervisorError),
    ],
)
def test_an_error_is_told_by_its_kind(answer: httpx.Response, kind: type[Exception]) -> None:
    error = coordination._refusal(answer)
    assert type(error) is kind, "headscale's own status says little"
    assert str(error), "and its reason is kept"
