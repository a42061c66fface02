"""Lines about a host's firewall: whether they admit more, or change it, than a hardened host does."""

import re

from policies.addresses import is_wide, network
from policies.hardened_parts import INTERFACE

_UFW_RULE = re.compile(r"-[AI] (ufw-[a-z-]+) (.*)-j (ACCEPT|DROP|REJECT|LOG|RETURN)\b(.*)")
_UFW_FRAME = re.compile(r"\*filter|:ufw-[a-z-]+ - \[0:0\]|COMMIT")
_UFW_OUTWARD = frozenset({"ufw-before-output", "ufw-user-output", "ufw-user-limit-accept"})
"""Chains that let nothing in: to the last one nothing is sent."""

_FIREWALL = re.compile(r"\b(ufw|ufw-init|ip6?tables\S*|nft|nftables)\b")
_FIREWALL_STEP = re.compile(
    r"/lib/ufw/ufw-init start( quiet)?|ufw --force enable|\[ -e \S+ \] \|\| missing=\"\$missing [a-z0-9-]+\""
)
"""What a first boot may do of it: start it, and have its packages."""


def is_another_step(line: str) -> bool:
    """Whether a line of a script does something else to the firewall than start it."""
    return bool(_FIREWALL.search(line)) and not _FIREWALL_STEP.fullmatch(line)


def may_open(line: str) -> bool:
    """Whether a line of UFW's rules admits more; one that isn't understood might."""
    if not line or line.startswith("#") or _UFW_FRAME.fullmatch(line):
        return False
    rule = _UFW_RULE.fullmatch(line)
    if rule is None or re.search(r"(^|\s)(-j|-g|--jump|--goto)\b", rule[2]):
        return True
    if rule[3] != "ACCEPT" or rule[1] in _UFW_OUTWARD:
        return False
    matches = f" {rule[2]} "
    if re.search(rf" (?<!! )-i (lo|{INTERFACE}) | --ctstate RELATED,ESTABLISHED ", matches):
        return False
    source = re.search(r" (?<!! )-s (\S+) ", matches)
    block = network(source[1]) if source else None
    return block is None or is_wide(block)
