"""What a host must be like, judged from what its probe found: a finding for each promise."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.cloud_init.kernel import SYSCTL
from components.flows import Rule, rules_of
from stacks.verification.hosts import Member

SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "no",
    "permitemptypasswords": "no",
    "x11forwarding": "no",
    "allowtcpforwarding": "no",
}
LISTENING = frozenset({("tcp", 22)})
"""What a host listens on beyond its loopback, before anything is released to it: sshd, which no firewall
lets in.
"""

AUDITED = ("/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/ssh", "/etc/ufw", "/etc/tenantry")
NEAREST = "nearest=1"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `detail` says what was found where it isn't as it should be."""

    tenant: str
    subject: str
    check: str
    passed: bool
    detail: str = ""


Facts = Mapping[str, Any]
Objections = list[str]


def of_host(host: Member, facts: Facts) -> Iterator[Finding]:
    """Every check of a host."""
    for check, judge in CHECKS.items():
        objections = judge(host, facts)
        yield finding(host, check, objections)


def finding(host: Member, check: str, objections: Objections) -> Finding:
    """A finding that passes when nothing is objected."""
    return Finding(
        tenant=host.tenant,
        subject=host.name,
        check=check,
        passed=not objections,
        detail="; ".join(objections),
    )


def nearest_neighbour(answer: Facts) -> Objections:
    """The query found the nearest point, by way of the HNSW index."""
    out = str(answer["out"])
    if answer["code"]:
        return [f"psql ended with {answer['code']}: {answer['err']}"]
    objections = [] if NEAREST in out.splitlines() else [f"the nearest point isn't the first: {out[-80:]!r}"]
    if not re.search(r"Index Scan using \S*embedding\S* on tenantry_probe", out):
        objections.append(f"the plan doesn't use the HNSW index: {out[:200]!r}")
    return objections


def pong(answer: Facts) -> Objections:
    """The cache answered a PING."""
    if answer["code"] or answer["out"] != "PONG":
        return [f"redis-cli ended with {answer['code']}: {answer['out'] or answer['err']}"]
    return []


def _booted(host: Member, facts: Facts) -> Objections:
    del host
    state = facts["cloud_init"]
    if not state["finished"]:
        return [f"cloud-init hasn't finished: {state.get('stage', '')}"]
    return [str(error) for error in state["errors"]]


def _units(host: Member, facts: Facts) -> Objections:
    del host
    return [f"failed: {line.split()[0]}" for line in str(facts["failed_units"]).splitlines() if line.split()]


def _no_public_interface(host: Member, facts: Facts) -> Objections:
    del facts
    return ["it has a public address"] if host.is_public else []


def _firewall(host: Member, facts: Facts) -> Objections:
    """UFW is on, denies by default, and has the rules of the table: no more, no less."""
    status = str(facts["ufw"])
    objections = [] if "Status: active" in status else ["ufw isn't active"]
    if "deny (incoming), deny (outgoing)" not in status:
        objections.append("ufw doesn't deny by default, both ways")
    shown = _ufw_rules(status)
    wanted = {_as_ufw(rule) for rule in rules_of(host.tier)}
    objections += [f"missing rule: {' '.join(rule)}" for rule in sorted(wanted - shown)]
    objections += [f"rule that the table lacks: {' '.join(rule)}" for rule in sorted(shown - wanted)]
    return objections


def _ufw_rules(status: str) -> set[tuple[str, str, str]]:
    """Port, direction and comment of each line of `ufw status`."""
    pattern = re.compile(r"(\d+/(?:tcp|udp))\b.*?\bALLOW (IN|OUT)\b[^#]*(?:#\s*(.*))?$")
    matches = (pattern.search(line.rstrip()) for line in status.splitlines())
    rules = {(match[1], match[2], (match[3] or "").strip()) for match in matches if match}
    unread = [line for line in status.splitlines() if re.search(r"\b(ALLOW|LIMIT)\b", line)]
    return rules if len(unread) == len(rules) else rules | {("a rule", "that isn't", "understood")}


def _as_ufw(rule: Rule) -> tuple[str, str, str]:
    direction = "IN" if rule.direction == "inbound" else "OUT"
    return str(rule.port), direction, f"{rule.peer.value}: {rule.why}"


def _sshd(host: Member, facts: Facts) -> Objections:
    del host
    pairs = (line.partition(" ") for line in str(facts["sshd"]).splitlines())
    shown = {key.lower(): value for key, _, value in pairs}
    return [
        f"{key} is {shown.get(key)!r}, not {value!r}"
        for key, value in SSHD.items()
        if shown.get(key) != value
    ]


def _fail2ban(host: Member, facts: Facts) -> Objections:
    del host
    return [] if facts["fail2ban"] == "active" else [f"fail2ban is {facts['fail2ban']!r}"]


def _listening(host: Member, facts: Facts) -> Objections:
    del host
    found = set()
    for line in str(facts["listening"]).splitlines():
        protocol, _, _, _, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        if not address.strip("[]").split("%")[0].startswith(("127.", "::1")):
            found.add((protocol, int(port)))
    return [f"listens on {port}/{protocol}" for protocol, port in sorted(found - LISTENING)]


def _audit(host: Member, facts: Facts) -> Objections:
    """The rules are there; the kernel's side can't be seen from a container."""
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
    return [f"{path} has mode {mode}" for path, mode in modes.items() if mode != "0o600"]


CHECKS: dict[str, Callable[[Member, Facts], Objections]] = {
    "cloud-init finished without errors": _booted,
    "no failed units": _units,
    "no public interface": _no_public_interface,
    "UFW as the table of flows": _firewall,
    "sshd by keys alone": _sshd,
    "fail2ban runs": _fail2ban,
    "listens on SSH alone": _listening,
    "audit rules": _audit,
    "kernel settings": _kernel,
    "credentials for root alone": _secrets,
}
