"""What hardening writes: kernel settings, drivers, mounts, logins, fail2ban, sandboxes."""

import re
import subprocess
from pathlib import Path

import pytest

from components.cloud_init.audit import audit
from components.cloud_init.drivers import PROTOCOLS, STORAGE, drivers
from components.cloud_init.intrusion import intrusion
from components.cloud_init.kernel import SYSCTL, SYSCTL_OF_THE_MACHINE, kernel
from components.cloud_init.login import BANNER, login
from components.cloud_init.mounts import mounts
from components.cloud_init.part import Part
from components.cloud_init.sandbox import SANDBOX
from components.cloud_init.scrub import UNIT, scrub

BAN = "Connection closed by authenticating user tenantry 100.64.0.1 port 5 [preauth]"


def content(part: Part, path: str) -> list[str]:
    return next(file.content for file in part.files if file.path == path).splitlines()


def test_no_packet_is_forwarded_redirected_or_source_routed() -> None:
    assert SYSCTL["net.ipv4.ip_forward"] == 0
    for direction in ("all", "default"):
        for setting in ("accept_redirects", "send_redirects", "accept_source_route"):
            assert SYSCTL[f"net.ipv4.conf.{direction}.{setting}"] == 0
        assert SYSCTL[f"net.ipv6.conf.{direction}.disable_ipv6"] == 1, "the firewalls speak of IPv4"


def test_servers_of_the_mesh_address_may_start_before_it_is_there() -> None:
    assert SYSCTL["net.ipv4.ip_nonlocal_bind"] == 1


def test_memory_is_dumped_nowhere() -> None:
    part = kernel()
    coredump = content(part, "/etc/systemd/coredump.conf.d/tenantry.conf")
    assert {"Storage=none", "ProcessSizeMax=0"} <= set(coredump)
    assert content(part, "/etc/security/limits.d/90-tenantry.conf") == ["* hard core 0"]
    assert "ulimit -c 0" in content(login(), "/etc/profile.d/tenantry.sh")
    assert SYSCTL_OF_THE_MACHINE["fs.suid_dumpable"] == 0


def test_drivers_that_nothing_needs_are_not_loaded_even_when_named() -> None:
    lines = content(drivers(), "/etc/modprobe.d/tenantry.conf")
    for name in (*STORAGE, *PROTOCOLS):
        assert f"install {name} /bin/true" in lines
        assert f"blacklist {name}" in lines


def test_what_the_hosts_own_files_need_is_never_shut_out() -> None:
    lines = "\n".join(content(drivers(), "/etc/modprobe.d/tenantry.conf"))
    needed = re.search(r"\b(ext4|overlay|vfat|iso9660|tun|nf_\w+)\b", lines)
    assert not needed, "configuration drives are iso9660"


def test_new_files_and_homes_are_nobody_elses() -> None:
    defaults = content(login(), "/etc/login.defs")
    assert {"UMASK 027", "HOME_MODE 0700", "ENCRYPT_METHOD YESCRYPT"} <= set(defaults)


def test_each_setting_of_logins_is_there_once() -> None:
    names = [line.split()[0] for line in content(login(), "/etc/login.defs")]
    assert len(names) == len(set(names)), "of a repeated one, each program takes another"


def test_the_banner_names_no_system() -> None:
    assert not re.search(r"debian|tenantry|linux|\\", BANNER, re.IGNORECASE)


def test_mounts_are_written_once_however_often_the_script_runs(tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text("UUID=1 / ext4 defaults 0 1\n")
    script = mounts().steps[0].script.replace("/etc/fstab", str(fstab))
    script = "mount() { :; }\n" + script
    for _ in range(2):
        subprocess.run(["/bin/sh", "-euc", script], check=True)
    lines = fstab.read_text().splitlines()
    assert lines[0] == "UUID=1 / ext4 defaults 0 1", "the image's own lines stay"
    assert [line.split()[1] for line in lines[1:]] == ["/proc", "/dev/shm"]  # noqa: S108
    assert "hidepid=invisible" in lines[1]


def pattern() -> re.Pattern[str]:
    """The jail's own expression, with fail2ban's marks as Python's `re` takes them."""
    jail = content(intrusion(), "/etc/fail2ban/jail.local")
    text = next(line for line in jail if line.startswith("failregex = ")).removeprefix("failregex = ")
    text = re.sub(r"</?F-[A-Z]+>", "", text).replace("<HOST>", r"(?P<host>\S+)")
    return re.compile(text)


@pytest.mark.parametrize(
    "line",
    [BAN, BAN.replace("closed", "reset"), BAN.replace("authenticating user tenantry", "invalid user admin")],
)
def test_a_login_that_fails_is_counted_by_its_address(line: str) -> None:
    found = pattern().search(line)
    assert found, f"{line!r} isn't counted"
    assert found["host"] == "100.64.0.1"


@pytest.mark.parametrize(
    "line",
    [
        "Connection closed by 100.64.0.1 port 5 [preauth]",
        "Failed publickey for tenantry from 100.64.0.1 port 5 ssh2: ED25519 SHA256:x",
        "Accepted publickey for tenantry from 100.64.0.1 port 5 ssh2: ED25519-CERT SHA256:x",
        "Disconnected from user tenantry 100.64.0.1 port 5",
    ],
)
def test_a_probe_of_the_port_or_a_first_key_that_is_refused_is_not(line: str) -> None:
    assert not pattern().search(line), "the operator would ban itself"


def test_bans_leave_ufw_as_the_table_has_it() -> None:
    assert "banaction = nftables-multiport" in content(intrusion(), "/etc/fail2ban/jail.local")


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (intrusion(), "/etc/systemd/system/fail2ban.service.d/tenantry.conf"),
        (scrub(), f"/etc/systemd/system/{UNIT}"),
    ],
)
def test_units_of_ours_are_in_the_sandbox(part: Part, path: str) -> None:
    lines = content(part, path)
    assert set(SANDBOX.splitlines()) <= set(lines)
    kept = [line for line in lines if line.startswith("CapabilityBoundingSet=")]
    assert len(kept) == 1, "of root's rights it keeps those that it needs"


def test_every_audit_rule_is_one_that_auditctl_takes() -> None:
    watch = r"-w /\S+ -p [rwxa]+ -k [\w-]+"
    listed = r"-a always,exit( -[FSC] \S+)+ -k [\w-]+"
    for line in content(audit(), "/etc/audit/rules.d/50-tenantry.rules"):
        if line.startswith(("-w", "-a")):
            assert re.fullmatch(f"{watch}|{listed}", line), f"{line!r} and all after it would not be loaded"
