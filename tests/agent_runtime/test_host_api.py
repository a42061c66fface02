"""A host's runtime API: the control plane of its own tenant, and nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from runtime_driver import LOOPBACK, VaultTenant, client, places, running

from agent_runtime import certificates, host
from agent_runtime.errors import HostError, UnavailableError
from agent_runtime.places import Places
from agent_runtime.settings import Settings, names_of

AGENT = "acme-agent-writer-1"
ADDRESS = f"{AGENT}.acme.tenantry.internal"


@pytest.fixture
def settings(acme: VaultTenant) -> Settings:
    return acme.settings(AGENT, "agent")


@pytest.fixture
def ours(tmp_path: Path, acme: VaultTenant) -> Places:
    found = places(tmp_path / "host")
    acme.certificate(found.identity, "agent", *names_of("acme", AGENT))
    return found


@pytest.fixture
def port(settings: Settings, ours: Places) -> Iterator[int]:
    with running(host.server(settings, ours, LOOPBACK, 0)) as found:
        yield found


def test_the_control_plane_learns_how_the_host_is(
    tmp_path: Path, acme: VaultTenant, ours: Places, port: int
) -> None:
    plane = acme.certificate(tmp_path / "plane.pem", "control-plane", "control-plane")
    answer = client(ADDRESS, port, acme.ca_file, plane).call("GET", "/v1/health")
    certificate = certificates.read(ours.identity)
    assert answer.status == 200
    assert answer.body == {
        "host": AGENT,
        "tenant": "acme",
        "tier": "agent",
        "release": "0" * 64,
        "certificate": {
            "serial": certificate.serial,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
            "renewal_due": certificate.due.isoformat(),
        },
        "volume": "none",
    }


@pytest.mark.parametrize(
    ("role", "name"), [("agent", "acme-agent-reader-1"), ("guardrail", "acme-guardrail-1")]
)
def test_the_tenants_other_hosts_learn_nothing(
    tmp_path: Path, acme: VaultTenant, port: int, role: str, name: str
) -> None:
    neighbour = acme.certificate(tmp_path / "n.pem", role, name)
    assert client(ADDRESS, port, acme.ca_file, neighbour).call("GET", "/v1/health").status == 403


def test_another_tenants_control_plane_gets_no_connection(
    tmp_path: Path, acme: VaultTenant, globex: VaultTenant, port: int
) -> None:
    theirs = globex.certificate(tmp_path / "theirs.pem", "control-plane", "control-plane")
    with pytest.raises(UnavailableError, match=r"(?i)unknown.ca"):
        client(ADDRESS, port, acme.ca_file, theirs).call("GET", "/v1/health")


def test_a_host_of_another_tenant_is_not_believed(
    tmp_path: Path, acme: VaultTenant, globex: VaultTenant, port: int
) -> None:
    plane = acme.certificate(tmp_path / "plane.pem", "control-plane", "control-plane")
    with pytest.raises(UnavailableError, match="not trusted"):
        client(ADDRESS, port, globex.ca_file, plane).call("GET", "/v1/health")


def test_a_volume_that_is_not_there_is_locked(settings: Settings, ours: Places) -> None:
    with_volume = replace(settings, volume=f"{AGENT}-data")
    assert host.state(with_volume, ours) == "locked"


def test_a_host_without_an_identity_serves_nothing(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"identity\.pem"):
        host.server(settings, places(tmp_path / "fresh"), LOOPBACK, 0)


def test_the_mesh_address_is_that_of_the_interface() -> None:
    assert host.mesh_address("lo") == LOOPBACK


def test_a_host_that_is_not_in_the_mesh_says_so() -> None:
    with pytest.raises(HostError, match="not in the mesh"):
        host.mesh_address("tailscale9")


def test_the_server_takes_nobody_without_a_certificate(acme: VaultTenant, port: int) -> None:
    with pytest.raises(UnavailableError, match=r"(?i)certificate.required"):
        client(ADDRESS, port, acme.ca_file).call("GET", "/v1/health")
