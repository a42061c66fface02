"""UFW from the table of flows: the same rules as the tier's cloud firewall, once more, by the host.

UFW's own files are written rather than `ufw allow` called: each call costs a shared core a third of a second,
and ten hosts boot at once. `ufw status` shows the rules, and `ufw` can change them, as if it had made them
itself. Deliberately without ping, DHCP, DNS and multicast: none of them is in the table.
"""

from ipaddress import IPv4Network

from components.cloud_init.part import File, Part, Step
from components.flows import TIERS, Endpoint, Rule, rules_of

ANYWHERE = "0.0.0.0/0"

# No IPT_SYSCTL: UFW would undo our kernel settings at each boot, after systemd-sysctl.
_DEFAULTS = """\
IPV6=yes
DEFAULT_INPUT_POLICY="DROP"
DEFAULT_OUTPUT_POLICY="DROP"
DEFAULT_FORWARD_POLICY="DROP"
DEFAULT_APPLICATION_POLICY="SKIP"
MANAGE_BUILTINS=no
IPT_SYSCTL=""
IPT_MODULES=""
"""

_ENABLED = """\
ENABLED=yes
LOGLEVEL=low
"""

_BEFORE = """\
*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-before-forward - [0:0]
:ufw-not-local - [0:0]
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-output -o lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
# The metadata service hands out user-data: to root alone.
-A ufw-before-output -d 169.254.169.254 -p tcp --dport 80 -m owner --uid-owner 0 -j ACCEPT
-A ufw-before-output -d 169.254.0.0/16 -j REJECT
COMMIT
"""

_USER = """\
*filter
:ufw-user-input - [0:0]
:ufw-user-output - [0:0]
:ufw-user-forward - [0:0]
:ufw-before-logging-input - [0:0]
:ufw-before-logging-output - [0:0]
:ufw-before-logging-forward - [0:0]
:ufw-user-logging-input - [0:0]
:ufw-user-logging-output - [0:0]
:ufw-user-logging-forward - [0:0]
:ufw-after-logging-input - [0:0]
:ufw-after-logging-output - [0:0]
:ufw-after-logging-forward - [0:0]
:ufw-logging-deny - [0:0]
:ufw-logging-allow - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
### RULES ###

{rules}
### END RULES ###

### LOGGING ###
-A ufw-after-logging-input -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10
-A ufw-after-logging-output -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10
-I ufw-logging-deny -m conntrack --ctstate INVALID -j RETURN -m limit --limit 3/min --limit-burst 10
-A ufw-logging-deny -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10
-A ufw-logging-allow -j LOG --log-prefix "[UFW ALLOW] " -m limit --limit 3/min --limit-burst 10
### END LOGGING ###

### RATE LIMITING ###
-A ufw-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
### END RATE LIMITING ###
COMMIT
"""


def firewall(tier: Endpoint, ip_range: IPv4Network) -> Part:
    """The host firewall of a tier; peers inside the tenant are the VPC's whole range, as hosts know no tags.

    Which of the range's hosts may connect is the cloud firewall's to say, and it says it by tag.
    """
    rules = "\n".join(_ufw(rule, ip_range) for rule in rules_of(tier))
    return Part(
        files=(
            File(path="/etc/default/ufw", content=_DEFAULTS),
            File(path="/etc/ufw/ufw.conf", content=_ENABLED),
            File(path="/etc/ufw/before.rules", content=_BEFORE, mode="0640"),
            File(path="/etc/ufw/user.rules", content=_USER.format(rules=rules), mode="0640"),
        ),
        steps=(Step(name="firewall", script="/lib/ufw/ufw-init start quiet"),),
    )


def _ufw(rule: Rule, ip_range: IPv4Network) -> str:
    """A rule as UFW keeps it: a tuple for `ufw status`, then the same for iptables-restore."""
    peer = str(ip_range) if rule.peer in TIERS else ANYWHERE
    protocol, port = rule.port.protocol, rule.port.number
    comment = f"{rule.peer.value}: {rule.why}".encode().hex()
    if rule.direction == "inbound":
        match = "" if peer == ANYWHERE else f" -s {peer}"
        ends, chain, line = f"{ANYWHERE} any {peer} in", "input", f"--dport {port}{match}"
    else:
        match = "" if peer == ANYWHERE else f" -d {peer}"
        ends, chain, line = f"{peer} any {ANYWHERE} out", "output", f"{match.strip()} --dport {port}".strip()
    return (
        f"### tuple ### allow {protocol} {port} {ends} comment={comment}\n"
        f"-A ufw-user-{chain} -p {protocol} {line} -j ACCEPT\n"
    )
