"""What OpenBao's server is told."""

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from local_cloud.hypervisor.vault.server import configuration

ADDRESS = IPv4Address("100.64.0.2")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(configuration(ADDRESS).text())
    return settings


def test_it_listens_at_its_mesh_address_alone(told: dict[str, Any]) -> None:
    (listener,) = told["listener"]
    assert listener["tcp"]["address"] == "100.64.0.2:8200"
    assert listener["tcp"]["cluster_address"] == "127.0.0.1:8201", "raft's port is for no other machine"
    assert told["api_addr"] == configuration(ADDRESS).url == "https://100.64.0.2:8200"


def test_it_speaks_tls_of_today(told: dict[str, Any]) -> None:
    listener = told["listener"][0]["tcp"]
    assert listener["tls_min_version"] == "tls12"
    assert "tls_disable" not in listener


def test_it_has_no_web_page_no_telemetry_and_no_development_mode(told: dict[str, Any]) -> None:
    assert told["ui"] is False
    assert not {"telemetry", "disable_mlock", "raw_storage_endpoint"} & told.keys()
    assert "raft" in told["storage"], "OpenBao 2.7 has no storage `file`"


def test_of_its_two_audit_devices_none_can_block(told: dict[str, Any]) -> None:
    devices = {kind: device for block in told["audit"] for kind, device in block.items()}
    assert devices.keys() == {"file", "socket"}
    assert devices["socket"]["collector"]["options"]["socket_type"] == "udp", (
        "a TCP or Unix socket waits for its reader"
    )
    assert devices["file"]["file"]["options"] == {"file_path": "/run/audit/audit.log", "mode": "0600"}


def test_audit_devices_are_the_same_at_every_address() -> None:
    elsewhere = json.loads(configuration(IPv4Address("100.64.0.77")).text())
    here = json.loads(configuration(ADDRESS).text())
    assert elsewhere["audit"] == here["audit"], "OpenBao refuses to start when one has changed"


def test_paths_are_those_of_the_sandbox(told: dict[str, Any]) -> None:
    listener = told["listener"][0]["tcp"]
    paths = [listener["tls_cert_file"], listener["tls_key_file"], told["storage"]["raft"]["path"]]
    assert all(Path(path).is_relative_to("/run") for path in paths)
