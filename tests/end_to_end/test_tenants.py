"""What a tenant promises, measured inside its hosts."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from platform_driver import Platform

from stacks.inventory import Thing
from stacks.verification.probes import TCP_PORTS

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def findings(deployed: Platform) -> list[dict[str, Any]]:
    return deployed.verify("acme", "globex")


def _of(findings: list[dict[str, Any]], check: str) -> list[dict[str, Any]]:
    found = [finding for finding in findings if check in finding["check"]]
    assert found, f"nothing was tried for {check!r}"
    return found


def _failed(findings: list[dict[str, Any]]) -> list[str]:
    return [f"{each['subject']} {each['check']}: {each['detail']}" for each in findings if not each["passed"]]


def test_everything_measured_is_as_it_should_be(findings: list[dict[str, Any]]) -> None:
    assert not _failed(findings), "this is what a tenant is promised"


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_an_agent_finds_the_nearest_vector_by_the_hnsw_index(
    findings: list[dict[str, Any]], tenant: str
) -> None:
    queries = [each for each in _of(findings, "nearest neighbour by HNSW") if each["tenant"] == tenant]
    assert not _failed(queries), "memory works, over TLS, with the agents' own rights"


def test_an_agent_s_cache_answers(findings: list[dict[str, Any]]) -> None:
    assert not _failed([each for each in findings if each["check"] == "cache"]), "over TLS, by password"


@pytest.mark.parametrize(("one", "other"), [("acme", "globex"), ("globex", "acme")])
@pytest.mark.parametrize("tier", ["agent", "guardrail", "database", "cache"])
def test_no_packet_passes_between_tenants_on_any_of_twenty_ports(
    findings: list[dict[str, Any]], one: str, other: str, tier: str
) -> None:
    tried = [each for each in findings if each["tenant"] == one and f"{other}'s {tier} " in each["detail"]]
    ports = {each["detail"].split(", ")[1].split(":")[0] for each in tried}
    assert {f"{port}/tcp" for port in TCP_PORTS} <= ports, "every port was tried"
    assert not _failed(tried), "something listens there, and nothing gets through"


def test_of_the_internet_an_agent_reaches_nothing(findings: list[dict[str, Any]]) -> None:
    tried = [each for each in _of(findings, "internet") if "-agent-" in each["subject"]]
    assert not [each for each in tried if ": open" in each["check"]], "the table has no such flow"
    assert not _failed(tried), "the guardrail is the only way out"


@pytest.fixture
def without_ufw(deployed: Platform) -> Iterator[tuple[Thing, Thing]]:
    """An agent of each tenant, their own firewalls turned off, as whoever takes them over could."""
    acme = next(host for host in deployed.inventory.hosts("acme") if "-agent-" in host.name)
    globex = next(host for host in deployed.inventory.hosts("globex") if "-agent-" in host.name)
    for host in (acme, globex):
        deployed.cloud.console(host.name, "ufw", "--force", "disable")
    yield acme, globex
    for host in (acme, globex):
        deployed.cloud.console(host.name, "ufw", "--force", "enable")


TRY = """\
for target in $@; do
  timeout 2 bash -c "</dev/tcp/${target%:*}/${target#*:}" 2>/dev/null
  echo "$target $?"
done
"""
TIMED_OUT = "124"
"""What `timeout` ends with when nothing came back: a refusal would be 1, a connection 0."""


def test_without_the_hosts_own_firewalls_the_cloud_s_still_hold(
    deployed: Platform, without_ufw: tuple[Thing, Thing]
) -> None:
    acme, globex = without_ufw
    database = next(each for each in deployed.inventory.services("globex") if "database" in each.name)
    lookup = f"import socket; print(socket.gethostbyname({database.private_host!r}))"
    address = deployed.run("python", "-c", lookup).stdout.strip()
    targets = [f"{globex.private_address}:22", f"{address}:25060", "1.1.1.1:443", "8.8.8.8:53"]
    said = deployed.cloud.console(acme.name, "bash", "-c", TRY, "try", *targets).stdout
    results = dict(line.split() for line in said.splitlines())
    assert results == dict.fromkeys(targets, TIMED_OUT), "something listens at each, and nothing comes back"


def test_a_second_up_changes_nothing(deployed: Platform) -> None:
    report = deployed.up("acme", "globex")
    changes = {tenant: set(result["changes"]) for tenant, result in report.items()}
    assert changes == {"acme": {"same"}, "globex": {"same"}}, "what is as wanted stays"


def test_no_password_is_in_the_state_in_plain_text(deployed: Platform) -> None:
    exported = json.loads(deployed.pulumi("stack", "export", "--stack", "globex").stdout)
    resources = exported["deployment"]["resources"]
    deliveries = [each for each in resources if each["type"] == "command:remote:Command"]
    assert deliveries, "hosts were sent their credentials"
    for delivery in deliveries:
        assert set(delivery["inputs"]["stdin"]) > {"ciphertext"}, "what was sent is encrypted"
    assert "plaintext" not in json.dumps(resources), "with the passphrase of this machine"


def test_after_a_power_failure_everything_is_as_it_should_be_again(deployed: Platform) -> None:
    """Last of its module: the supervisor is killed, so every machine and database ends at once."""
    supervisor = json.loads((deployed.cloud.state_dir / "supervisor.json").read_text())
    os.kill(supervisor["pid"], signal.SIGKILL)
    deployed.cloud.run("up")
    assert not _failed(deployed.verify("acme", "globex")), "disks, networks, firewalls and data are back"
