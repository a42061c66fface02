"""Who can get at a host, judged from what its probe found: firewall, listeners, sshd, the mesh."""

import json
import re

from components.flows import OVER_THE_MESH, Rule, rules_of
from stacks.verification.findings import Facts, Objections
from stacks.verification.hosts import Member

SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "no",
    "permitemptypasswords": "no",
    "x11forwarding": "no",
    "allowtcpforwarding": "no",
}


def firewall(host: Member, facts: Facts) -> Objections:
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
    """Port, direction and comment of each rule in `ufw status`, where several ranges are several lines."""
    pattern = re.compile(r"(\d+/(?:tcp|udp))\b.*?\bALLOW (IN|OUT)\b[^#]*(?:#\s*(.*))?$")
    lines = [line.rstrip() for line in status.splitlines() if re.search(r"\b(ALLOW|LIMIT)\b", line)]
    matches = [match for match in map(pattern.search, lines) if match]
    rules = {(match[1], match[2], (match[3] or "").strip()) for match in matches}
    return rules if len(matches) == len(lines) else rules | {("a rule", "that isn't", "understood")}


def _as_ufw(rule: Rule) -> tuple[str, str, str]:
    direction = "IN" if rule.direction == "inbound" else "OUT"
    return str(rule.port), direction, f"{rule.peer.value}: {rule.why}"


def sshd(host: Member, facts: Facts) -> Objections:
    """Keys alone, no root, and no address but that of the mesh."""
    pairs = [line.partition(" ") for line in str(facts["sshd"]).splitlines()]
    shown = {key.lower(): value for key, _, value in pairs}
    objections = [
        f"{key} is {shown.get(key)!r}, not {value!r}"
        for key, value in SSHD.items()
        if shown.get(key) != value
    ]
    addresses = {value.rpartition(":")[0] for key, _, value in pairs if key.lower() == "listenaddress"}
    if addresses != {host.mesh_address}:
        objections.append(f"listens at {', '.join(sorted(addresses)) or 'no address'}, not the mesh's alone")
    return objections


def listening(host: Member, facts: Facts) -> Objections:
    """Nothing beyond the loopback but what the table lets in, at the address that it comes to."""
    wanted = {
        (
            rule.port.protocol,
            host.mesh_address if rule.peer in OVER_THE_MESH else host.address,
            rule.port.number,
        )
        for rule in rules_of(host.tier)
        if rule.direction == "inbound"
    }
    shown = _listeners(str(facts["listening"]))
    own = {(protocol, address, port) for protocol, address, port, program in shown if program != "tailscaled"}
    strange = own - wanted
    strange |= {each[:3] for each in shown if each[3] == "tailscaled" and not _is_mesh(host, each)}
    missing = wanted - own
    return [
        *(f"listens on {address}:{port}/{protocol}" for protocol, address, port in sorted(strange)),
        *(f"nothing listens on {address}:{port}/{protocol}" for protocol, address, port in sorted(missing)),
    ]


def _listeners(shown: str) -> set[tuple[str, str, int, str]]:
    """Protocol, address, port and program of each line of `ss` that isn't the loopback's."""
    found = set()
    for line in shown.splitlines():
        protocol, _, _, _, local, *rest = line.split()
        address, _, port = local.rpartition(":")
        address = address.strip("[]").split("%")[0]
        program = re.search(r'\(\("([^"]+)"', " ".join(rest))
        if not address.startswith(("127.", "::1")):
            found.add((protocol, address, int(port), program[1] if program else ""))
    return found


def _is_mesh(host: Member, listener: tuple[str, str, int, str]) -> bool:
    """WireGuard and, now and then, a probe of the way out; else what is at the mesh's own address."""
    protocol, address, _, _ = listener
    return protocol == "udp" or address == host.mesh_address or ":" in address


def in_the_mesh(host: Member, facts: Facts) -> Objections:
    """Its tailscaled runs, is connected, and bears the address that the tailnet knows."""
    try:
        status = json.loads(facts["mesh"])
    except ValueError:
        return ["tailscaled does not answer"]
    own = status.get("Self") or {}
    objections = [] if status.get("BackendState") == "Running" else [f"it is {status.get('BackendState')!r}"]
    if host.mesh_address not in (own.get("TailscaleIPs") or ()):
        objections.append(f"it has the addresses {own.get('TailscaleIPs')}, not {host.mesh_address}")
    if not own.get("Online"):
        objections.append("it is not connected to the coordination server")
    return objections


def metadata(host: Member, facts: Facts) -> Objections:
    """The metadata service hands out user-data: to root alone."""
    del host
    return [] if facts["metadata_as_nobody"] else ["any user of the host can read its user-data"]
