"""Every guarantee broken once, on tenants that run: `stacks.verify` says so, by its own line and no other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from platform_driver import Platform

pytestmark = [pytest.mark.end_to_end]

AGENT, OTHER_AGENT, GUARDRAIL = "acme-agent-writer-1", "acme-agent-researcher-1", "acme-guardrail-1"
TRIED = "acme-agent-workflows-1"
"""One of the two agents of acme's, the first by name, that others try to reach."""
FOREIGN, FOREIGN_GUARDRAIL = "globex-agent-analyst-1", "globex-guardrail-1"
IDENTITY = "/var/lib/tenantry/identity/identity.pem"


def _failed(platform: Platform) -> set[tuple[str, str]]:
    """What is wrong, as (subject, check)."""
    findings = platform.verify("acme", "globex")
    return {(each["subject"], each["check"]) for each in findings if not each["passed"]}


@contextmanager
def _broken(platform: Platform, host: str, do: str, undo: str) -> Iterator[None]:
    """Something done to a host by its root, and undone."""
    platform.cloud.console(host, "sh", "-ec", do)
    try:
        yield
    finally:
        platform.cloud.console(host, "sh", "-ec", undo)


INSIDE_A_HOST = {
    "listens as the table of flows": (
        "systemd-run --quiet --unit=intruder python3 -m http.server 9000",
        "systemctl stop intruder",
    ),
    "sshd by keys, on the mesh alone": (
        "echo PasswordAuthentication yes >/etc/ssh/sshd_config.d/00-weak.conf",
        "rm /etc/ssh/sshd_config.d/00-weak.conf",
    ),
    "fail2ban guards sshd": ("systemctl stop fail2ban", "systemctl start fail2ban"),
    "audit rules": ("mv /etc/audit/rules.d /root/rules.d", "mv /root/rules.d /etc/audit/rules.d"),
    "credentials for root alone": (
        "chmod 644 /etc/tenantry/cache.env",
        "chmod 600 /etc/tenantry/cache.env",
    ),
    "kernel settings": (
        "sysctl --quiet --write net.ipv4.conf.all.accept_redirects=1",
        "sysctl --quiet --write net.ipv4.conf.all.accept_redirects=0",
    ),
    "unattended upgrades": (
        "systemctl --quiet disable apt-daily-upgrade.timer",
        "systemctl --quiet enable apt-daily-upgrade.timer",
    ),
    "metadata for root alone": (
        "iptables -I OUTPUT -d 169.254.169.254 -j ACCEPT",
        "iptables -D OUTPUT -d 169.254.169.254 -j ACCEPT",
    ),
    "no failed units": (
        "systemd-run --quiet --unit=broken --wait false || true",
        "systemctl reset-failed broken",
    ),
    "certificate of its tenant's PKI": (
        f"mv {IDENTITY} /root/identity.pem; systemctl stop tenantry-identity",
        f"mv /root/identity.pem {IDENTITY}; systemctl start tenantry-identity",
    ),
}


def test_all_is_well_to_begin_with(deployed: Platform) -> None:
    assert _failed(deployed) == set(), "what fails below fails by what is done there"


def test_what_is_broken_inside_a_host_is_noticed_check_by_check(deployed: Platform) -> None:
    with ExitStack() as stack:
        for do, undo in INSIDE_A_HOST.values():
            stack.enter_context(_broken(deployed, AGENT, do, undo))
        failed = _failed(deployed)
    by_certificate = ("mTLS with the guardrail", "runtime API by mTLS of its own tenant alone")
    expected = {(AGENT, check) for check in (*INSIDE_A_HOST, *by_certificate)}
    assert failed == expected, "each break by its own line; without a certificate there is no mTLS either"


def test_a_firewall_that_is_off_is_noticed_and_so_is_what_it_held_back(deployed: Platform) -> None:
    with _broken(deployed, GUARDRAIL, "ufw disable", "ufw --force enable"):
        failed = _failed(deployed)
    assert failed == {
        (GUARDRAIL, "UFW as the table of flows"),
        (GUARDRAIL, "metadata for root alone"),
        (GUARDRAIL, "guardrail → internet, all else: shut"),
    }, "the cloud firewall and the tailnet still hold all but what is tailscaled's own"


def test_a_service_that_is_down_and_a_foreign_certificate_are_noticed(deployed: Platform) -> None:
    forge = (
        f"cp -p {IDENTITY} /root/own.pem; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
        f"-nodes -subj /CN={FOREIGN} -days 1 -keyout /root/k.pem -out /root/c.pem 2>/dev/null; "
        f"cat /root/k.pem /root/c.pem >{IDENTITY}"
    )
    with (
        _broken(deployed, OTHER_AGENT, "systemctl stop tenantry-host", "systemctl start tenantry-host"),
        _broken(deployed, FOREIGN, forge, f"cat /root/own.pem >{IDENTITY}; rm /root/*.pem"),
    ):
        failed = _failed(deployed)
    assert failed == {
        (OTHER_AGENT, "listens as the table of flows"),
        (OTHER_AGENT, "runtime API by mTLS of its own tenant alone"),
        (FOREIGN, "mTLS with the guardrail"),
        (FOREIGN, "runtime API by mTLS of its own tenant alone"),
    }, "a certificate that no PKI of ours has signed is nobody's"


def test_a_widened_policy_file_and_a_role_with_too_much_are_noticed_and_mended(deployed: Platform) -> None:
    everything = {"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}
    policy = deployed.tailscale("GET", "/tailnet/-/acl")
    owners = {"tagOwners": policy["tagOwners"]}
    deployed.tailscale("POST", "/tailnet/-/acl", {**owners, **everything})
    widen = (
        "import hvac, os; v = hvac.Client(verify=os.environ['VAULT_CACERT']); p = 'tenant-acme-guardrail'; "
    )
    widen += "old = v.read(f'sys/policies/acl/{p}')['data']['policy']; "
    widen += 'more = \'path "tenants/globex/keys/data/*" { capabilities = ["read"] }\'; '
    widen += "v.write_data(f'sys/policies/acl/{p}', data={'policy': old + chr(10) + more})"
    deployed.run("python", "-c", widen)
    try:
        failed = _failed(deployed)
    finally:
        deployed.stacks("up", "platform", "--refresh")
    assert {
        ("tailnet", "policy file as the table of flows"),
        ("tailnet", "the policy file's own tests"),
        ("sys/policies/acl/tenant-acme-guardrail", "vault's rights as the platform wants"),
        (GUARDRAIL, "vault: its own tenant's keys alone"),
    } <= failed, "as read from the tailnet and the vault, and as tried with the guardrail's own token"
    packets = {check for _, check in failed if "→" in check}
    assert "guardrail → control plane (mesh), all else: shut" in packets, "and packets went where none may"
    assert _failed(deployed) == set(), "the platform's next update with a look at what there is mends both"


def test_a_device_with_another_tenant_s_tag_is_noticed(deployed: Platform) -> None:
    devices = deployed.tailscale("GET", "/tailnet/-/devices")["devices"]
    (device,) = (each for each in devices if each["hostname"].startswith(FOREIGN))
    path = f"/device/{device['nodeId']}/tags"
    deployed.tailscale("POST", path, {"tags": ["tag:tenant-acme-agent"]})
    try:
        failed = _failed(deployed)
    finally:
        deployed.tailscale("POST", path, {"tags": device["tags"]})
    assert {("tailnet", "its hosts' devices alone"), (FOREIGN, "entered over the mesh")} <= failed, (
        "an impostor"
    )


def _opened(firewall: dict[str, Any]) -> dict[str, Any]:
    """A tier's cloud firewall that lets its members talk to each other, and to the internet."""
    tags = {"tags": firewall["tags"]}
    rule = {"protocol": "tcp", "ports": "8080"}
    inbound = [*firewall["inbound_rules"], {**rule, "sources": tags}]
    outbound = [
        *firewall["outbound_rules"],
        {**rule, "destinations": tags},
        {"protocol": "tcp", "ports": "443", "destinations": {"addresses": ["0.0.0.0/0"]}},
    ]
    names = {key: firewall[key] for key in ("name", "tags")}
    return {**names, "inbound_rules": inbound, "outbound_rules": outbound}


def test_packets_that_pass_where_none_may_are_noticed(deployed: Platform) -> None:
    firewalls = deployed.api("GET", "/v2/firewalls?per_page=200")["firewalls"]
    (firewall,) = (each for each in firewalls if each["name"] == "acme-firewall-agent")
    deployed.api("PUT", f"/v2/firewalls/{firewall['id']}", _opened(firewall))
    out = (
        "ufw allow out 8080/tcp; ufw allow out 443/tcp",
        "ufw delete allow out 8080/tcp; ufw delete allow out 443/tcp",
    )
    try:
        with (
            _broken(deployed, TRIED, "ufw allow in 8080/tcp", "ufw delete allow in 8080/tcp"),
            _broken(deployed, OTHER_AGENT, *out),
        ):
            failed = _failed(deployed)
    finally:
        deployed.stacks("up", "acme", "--refresh")
    assert failed == {
        (TRIED, "UFW as the table of flows"),
        (OTHER_AGENT, "UFW as the table of flows"),
        (OTHER_AGENT, "agent → own VPC, all else: shut"),
        (OTHER_AGENT, "agent → internet, all else: shut"),
    }, "rules that are open, and packets that went through"


def test_a_changed_host_key_is_not_spoken_to(deployed: Platform) -> None:
    key = "/etc/ssh/ssh_host_ed25519_key"
    do = f"mv {key} /root/key; mv {key}.pub /root/key.pub; ssh-keygen -q -t ed25519 -N '' -f {key}"
    restart = "systemctl restart ssh"
    undo = f"mv /root/key {key}; mv /root/key.pub {key}.pub; {restart}"
    with _broken(deployed, FOREIGN_GUARDRAIL, f"{do}; {restart}", undo):
        failed = _failed(deployed)
    assert failed == {(FOREIGN_GUARDRAIL, "entered over the mesh")}, (
        "a host that may be another's is not asked"
    )


def test_all_is_well_again(deployed: Platform) -> None:
    assert _failed(deployed) == set(), "every break was undone"
