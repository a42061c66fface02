"""Hosts of both tiers, booted with their user-data alone: in the mesh, hardened, and measured."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hardened_laboratory import BOOT_SECONDS, COORDINATION, Host, Laboratory, Login
from real_cloud import LocalCloud

from components.flows import HOST_TIERS, Endpoint
from stacks.verification import lynis

pytestmark = pytest.mark.end_to_end

EXPOSURE = 4.0
"""Of `systemd-analyze security`, at most: 0 is a service that may do nothing, 10 one that may do all."""

SECRET_PLACES = ("/etc", "/var", "/run", "/root", "/home", "/usr/local", "/tmp", "/dev/shm")  # noqa: S108


@pytest.fixture(scope="module")
def laboratory(
    cloud: LocalCloud, state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    """After the platform, whose policy file has the tags that a mesh key may carry."""
    assert state.exists()
    made = Laboratory(cloud, tmp_path_factory.mktemp("laboratory"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def hosts(laboratory: Laboratory) -> dict[Endpoint, Host]:
    """One of each tier, booted side by side."""
    with ThreadPoolExecutor() as threads:
        made = threads.map(lambda tier: laboratory.host(f"hardened-{tier}-1", tier), HOST_TIERS)
        return dict(zip(HOST_TIERS, made, strict=True))


@pytest.fixture(params=HOST_TIERS, ids=str)
def host(request: pytest.FixtureRequest, hosts: dict[Endpoint, Host]) -> Host:
    return hosts[request.param]


@pytest.fixture(scope="module")
def login(laboratory: Laboratory) -> Login:
    return laboratory.login("operator", "tenant-acme")


def test_its_first_boot_ends_well(host: Host) -> None:
    assert "status: done" in host.run("cloud-init status"), host.run("tail -3 /var/log/cloud-init-output.log")
    assert host.run("systemctl is-system-running --wait") == "running", host.run("systemctl --failed")


def test_the_operator_is_let_in_by_a_certificate_for_the_tenant(host: Host, login: Login) -> None:
    assert host.ssh(login, "sudo -n whoami") == (0, "root")


def test_a_certificate_for_another_tenant_is_not(host: Host, laboratory: Laboratory) -> None:
    other = laboratory.login(f"other-{host.tier}", "tenant-globex")
    code, said = host.ssh(other)
    assert code != 0
    assert "Permission denied" in said


def test_nobody_logs_in_as_root(host: Host, login: Login) -> None:
    assert host.ssh(login, user="root")[0] != 0


def test_it_listens_to_nobody_but_the_mesh(host: Host) -> None:
    listening = {line.split()[3] for line in host.run("ss -Htln").splitlines()}
    outside = {end for end in listening if not end.startswith(("127.", "[::1]", host.address))}
    assert not outside, f"{host.name} listens on {outside}"
    assert f"{host.address}:22" in listening


def test_another_host_of_the_vpc_reaches_no_ssh(hosts: dict[Endpoint, Host]) -> None:
    agent, guardrail = hosts[Endpoint.AGENT], hosts[Endpoint.GUARDRAIL]
    answer = agent.run(f"timeout 3 bash -c '</dev/tcp/{guardrail.vpc_address}/22'; echo $?")
    assert answer.endswith("124"), "in silence"


def test_the_meshs_servers_answer_tailscaled_and_not_root(host: Host) -> None:
    fetch = f"curl -sk -o /dev/null --max-time 3 https://{COORDINATION}/health; echo $?"
    assert host.run(fetch) == "28", "root's packets are dropped"
    as_daemon = f"setpriv --reuid tailscale --regid tailscale --clear-groups sh -c '{fetch}'"
    assert host.run(as_daemon) == "0"


def test_ufw_shows_its_rules_and_keeps_them_when_it_is_used(host: Host) -> None:
    before = host.run("ufw status")
    assert "22/tcp on tailscale0" in before
    assert f"{COORDINATION} 443/tcp" in before
    host.run("ufw allow 8080/tcp && ufw delete allow 8080/tcp")
    assert host.run("ufw status") == before
    assert "! --uid-owner" in host.run("iptables -S ufw-before-output"), "the owners' rules are still there"


def test_the_mesh_key_is_found_nowhere(host: Host) -> None:
    found = host.run(f"grep -rlsFf /dev/stdin {' '.join(SECRET_PLACES)}", stdin=host.key, seconds=120)
    assert found == "", "it is worth nothing any more, and still nobody's business"
    assert host.run("journalctl --quiet | grep -cFf /dev/fd/3 3<<EOF\n" + host.key + "\nEOF") == "0"


def test_lynis_scores_it_above_the_floor_and_remarks_nothing_that_is_not_waived(host: Host) -> None:
    host.run(" ".join(lynis.COMMAND), seconds=300)
    report = lynis.read(host.run(f"cat {lynis.REPORT}"))
    assert not list(lynis.objections(report, lynis.waivers())), f"the index is {report.index}"


def test_each_unit_of_ours_may_do_little(host: Host) -> None:
    listed = host.run("systemctl list-units --all --plain --no-legend 'tenantry-*.service'")
    units = [line.split()[0] for line in listed.splitlines()] + ["tailscaled.service", "fail2ban.service"]
    for unit in units:
        said = host.run(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        level = re.search(r"exposure level for \S+: ([\d.]+)", said)
        assert level, said
        assert float(level[1]) <= EXPOSURE, said


def test_the_audit_rules_are_whole(host: Host) -> None:
    assert host.run("augenrules --check").endswith("No change"), "what would be loaded is what was written"


def test_every_system_call_that_is_audited_exists(host: Host) -> None:
    lists = re.findall(r"-S (\S+)", host.run("cat /etc/audit/audit.rules"))
    for call in sorted({name for names in lists for name in names.split(",")}):
        number = host.run(f"ausyscall x86_64 {call} --exact")
        assert number.isdigit(), f"there is no system call {call}: the rules after it would not be loaded"


def test_a_process_sees_no_other_accounts_processes(host: Host) -> None:
    seen = host.run("setpriv --reuid nobody --regid nogroup --clear-groups ps -eo user= | sort -u")
    assert seen == "nobody"


def test_a_key_that_the_mesh_does_not_know_fails_the_boot_in_one_line(laboratory: Laboratory) -> None:
    lost = laboratory.host("hardened-lost-1", Endpoint.AGENT, key="0123456789abcdef" * 3)
    assert "status: error" in lost.run("cloud-init status")
    said = lost.run("grep '^tenantry:' /var/log/cloud-init-output.log").splitlines()
    assert "did not join the mesh" in said[0]
    assert "python -m stacks.replace hardened-lost-1" in said[0]
    assert lost.key not in lost.run("cat /var/log/cloud-init-output.log")
    assert ":22" not in lost.run("ss -Htln"), "sshd isn't started"


def test_a_reboot_rejoins_without_a_key(
    hosts: dict[Endpoint, Host], laboratory: Laboratory, login: Login
) -> None:
    host = hosts[Endpoint.AGENT]
    address = host.address
    booted = host.run("cat /proc/sys/kernel/random/boot_id")
    laboratory.api.post(f"/v2/droplets/{host.id}/actions", json={"type": "reboot"}).raise_for_status()
    deadline = time.monotonic() + BOOT_SECONDS
    while host.run("cat /proc/sys/kernel/random/boot_id") in ("", booted) or host.ssh(login)[0] != 0:
        assert time.monotonic() < deadline, "it has not come back"
        time.sleep(0.5)
    assert host.address == address
    assert host.run("systemctl is-system-running --wait") == "running"
    assert "hidepid=invisible" in host.run("grep ' /proc ' /proc/mounts"), "mounts are as they were"


def test_five_failed_logins_are_the_last_for_an_hour(
    hosts: dict[Endpoint, Host], laboratory: Laboratory, login: Login
) -> None:
    host = hosts[Endpoint.GUARDRAIL]
    stranger = laboratory.login("stranger", "tenant-globex")
    assert "Permission denied" in host.ssh(stranger)[1], "not shut out by what came before"
    for _ in range(4):
        assert host.ssh(stranger)[0] != 0
    # fail2ban counts a ban before the firewall has it, so what counts is what somebody meets.
    _ssh_until("refused", host, login)  # not even with a good certificate
    assert "Currently banned:\t1" in host.run("fail2ban-client status sshd")
    host.run("fail2ban-client unban --all")
    _ssh_until("", host, login)


def _ssh_until(word: str, host: Host, login: Login) -> None:
    """SSH again and again, for a minute: until it fails with this word, or is let in when there is none."""
    deadline = time.monotonic() + 60
    while True:
        code, said = host.ssh(login)
        if (code != 0 and word in said) if word else code == 0:
            return
        assert time.monotonic() < deadline, f"{said}: {host.run('fail2ban-client status sshd')}"
        time.sleep(0.2)
