"""What a host must be like, judged from what its probe found: a finding for each promise."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from components.cloud_init.kernel import SYSCTL
from stacks.verification import access_checks
from stacks.verification.findings import Facts, Finding, Objections, finding
from stacks.verification.hosts import Member

AUDITED = ("/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/ssh", "/etc/ufw", "/etc/tenantry")
CLOCK_SECONDS = 5.0
"""How far a host's clock may be off: TLS, tokens and one-time keys are all bounded by time."""
FULL = 0.9
"""The part of a disk, or of its inodes, that may be used."""
LEFT = 0.2
"""The part of a certificate's life that must be left; it is renewed at two thirds."""


def of_host(host: Member, facts: Facts) -> Iterator[Finding]:
    """Every check of a host."""
    for check, judge in CHECKS.items():
        yield finding(host, check, judge(host, facts))


def _booted(host: Member, facts: Facts) -> Objections:
    del host
    state = facts["cloud_init"]
    if not state["finished"]:
        return [f"cloud-init hasn't finished: {state.get('stage', '')}"]
    return [str(error) for error in state["errors"]]


def _units(host: Member, facts: Facts) -> Objections:
    """None has failed, and each of ours is there."""
    del host
    failed = [
        f"failed: {line.split()[0]}" for line in str(facts["failed_units"]).splitlines() if line.split()
    ]
    return failed if facts["own_units"] else [*failed, "no unit of Tenantry's is there"]


def _no_public_interface(host: Member, facts: Facts) -> Objections:
    del facts
    return ["it has a public address"] if host.is_public else []


def _fail2ban(host: Member, facts: Facts) -> Objections:
    del host
    return [] if "Currently banned" in facts["jail"] else ["fail2ban has no jail for sshd"]


def _audit(host: Member, facts: Facts) -> Objections:
    """The rules are there and loadable; the kernel's side can't be seen from a container."""
    del host
    rules = str(facts["audit_rules"])
    return [f"nothing watches {path}" for path in AUDITED if f"-w {path} " not in rules]


def _kernel(host: Member, facts: Facts) -> Objections:
    del host
    found = facts["sysctl"]
    return [
        f"{name} is {found.get(name)}, not {value}"
        for name, value in SYSCTL.items()
        if found.get(name) != str(value)
    ]


def _secrets(host: Member, facts: Facts) -> Objections:
    del host
    modes = facts["secret_modes"]
    return [f"{path} has mode {mode}" for path, mode in modes.items() if int(mode, 8) & 0o007]


def _clock(host: Member, facts: Facts) -> Objections:
    """It may differ from ours by what the answer took on its way."""
    del host
    off = abs(float(facts["clock"]) - float(facts["heard"]))
    return [f"its clock differs from ours by {off:.0f} s"] if off > CLOCK_SECONDS else []


def _disk(host: Member, facts: Facts) -> Objections:
    del host
    used = float(facts["disk_used"])
    return [f"its disk is {used:.0%} full"] if used > FULL else []


def _upgrades(host: Member, facts: Facts) -> Objections:
    del host
    objections = []
    if 'APT::Periodic::Unattended-Upgrade "1"' not in facts["upgrades"]:
        objections.append("unattended upgrades are not configured")
    if facts["upgrade_timer"] != "enabled":
        objections.append(f"their timer is {facts['upgrade_timer']!r}")
    return objections


def _certificate(host: Member, facts: Facts) -> Objections:
    """The host's own certificate, by its tenant's PKI: in force, and renewed in time."""
    shown = dict(line.split("=", 1) for line in str(facts["certificate"]).splitlines() if "=" in line)
    if not {"notBefore", "notAfter", "subject"} <= shown.keys():
        return ["it has no certificate of its tenant's PKI"]
    begins, ends = _moment(shown["notBefore"]), _moment(shown["notAfter"])
    left = (ends - datetime.now(UTC)) / (ends - begins)
    objections = [] if left > LEFT else [f"{left:.0%} of its certificate's life are left: it is not renewed"]
    if not re.search(rf"CN ?= ?{re.escape(host.name)}$", shown["subject"]):
        objections.append(f"its certificate is another's: {shown['subject']}")
    return objections


def _moment(shown: str) -> datetime:
    """A time as OpenSSL prints it."""
    return datetime.strptime(shown, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)


CHECKS: dict[str, Callable[[Member, Facts], Objections]] = {
    "cloud-init finished without errors": _booted,
    "no failed units": _units,
    "no public interface": _no_public_interface,
    "connected to the mesh": access_checks.in_the_mesh,
    "UFW as the table of flows": access_checks.firewall,
    "listens as the table of flows": access_checks.listening,
    "sshd by keys, on the mesh alone": access_checks.sshd,
    "metadata for root alone": access_checks.metadata,
    "fail2ban guards sshd": _fail2ban,
    "audit rules": _audit,
    "kernel settings": _kernel,
    "credentials for root alone": _secrets,
    "certificate of its tenant's PKI": _certificate,
    "unattended upgrades": _upgrades,
    "clock": _clock,
    "disk": _disk,
}
