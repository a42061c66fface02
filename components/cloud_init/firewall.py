"""UFW from the table of flows: the same rules as the tier's cloud firewall, once more, by the host.

UFW's own files are written rather than `ufw allow` called: each call costs a shared core a third of a second,
and ten hosts boot at once. `ufw status` shows the rules, and `ufw` can change them, as if it had made them
itself. Deliberately without ping, DHCP, DNS and multicast: none of them is in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from components.cloud_init.mesh import INTERFACE, MESH_RANGE, USER, MeshJoin
from components.cloud_init.part import File, Part, Step
from components.flows import BY_TAILSCALED, OVER_THE_MESH, TIERS, Endpoint, Rule, rules_of

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

_BEFORE = f"""\
*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-before-forward - [0:0]
:ufw-not-local - [0:0]
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-output -o lo -j ACCEPT
# Only what comes through the mesh has the mesh's addresses.
-A ufw-before-input ! -i {INTERFACE} -s {MESH_RANGE} -j DROP
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
# The metadata service hands out user-data: to root alone.
-A ufw-before-output -d 169.254.169.254 -p tcp --dport 80 -m owner --uid-owner 0 -j ACCEPT
-A ufw-before-output -d 169.254.0.0/16 -j REJECT
{{owned}}COMMIT
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


def firewall(tier: Endpoint, ip_range: IPv4Network, join: MeshJoin) -> Part:
    """The host firewall of a tier; peers inside the tenant are the VPC's whole range, as hosts know no tags.

    Which of the range's hosts may connect is the cloud firewall's to say, and it says it by tag.
    """
    lines = [_Line(rule, peer) for rule in rules_of(tier) for peer in _peers(rule.peer, ip_range, join)]
    owned = "".join(line.owned() for line in lines if line.rule.peer in BY_TAILSCALED)
    user = "\n".join(line.as_ufw() for line in lines)
    return Part(
        files=(
            File(path="/etc/default/ufw", content=_DEFAULTS),
            File(path="/etc/ufw/ufw.conf", content=_ENABLED),
            File(path="/etc/ufw/before.rules", content=_BEFORE.format(owned=owned), mode="0640"),
            File(path="/etc/ufw/user.rules", content=_USER.format(rules=user), mode="0640"),
        ),
        steps=(Step(name="firewall", script="/lib/ufw/ufw-init start quiet"),),
    )


def _peers(peer: Endpoint, ip_range: IPv4Network, join: MeshJoin) -> Sequence[str]:
    """The ranges that stand for an end of a flow, a single address without its prefix, as UFW writes it."""
    if peer in OVER_THE_MESH:
        return (MESH_RANGE,)
    if peer in TIERS:
        return (str(ip_range),)
    ranges = {Endpoint.MESH: join.coordination, Endpoint.MESH_PEERS: join.peers}.get(peer, (ANYWHERE,))
    return tuple(text.removesuffix("/32") for text in ranges)


@dataclass(frozen=True)
class _Line:
    """A rule of the table, for one range of its peer."""

    rule: Rule
    peer: str

    def as_ufw(self) -> str:
        """As UFW keeps it: a tuple for `ufw status`, then the same for iptables-restore."""
        protocol, port = self.rule.port.protocol, self.rule.port.number
        comment = f"{self.rule.peer.value}: {self.rule.why}".encode().hex()
        inward = self.rule.direction == "inbound"
        way, chain, end = ("in", "input", "-s") if inward else ("out", "output", "-d")
        ends = f"{ANYWHERE} any {self.peer}" if inward else f"{self.peer} any {ANYWHERE}"
        through = f"_{INTERFACE}" if self.rule.peer in OVER_THE_MESH else ""
        match = f" -{way[0]} {INTERFACE}" if through else ""
        match += f" -p {protocol}" + ("" if self.peer == ANYWHERE else f" {end} {self.peer}")
        return (
            f"### tuple ### allow {protocol} {port} {ends} {way}{through} comment={comment}\n"
            f"-A ufw-user-{chain}{match} --dport {port} -j ACCEPT\n"
        )

    def owned(self) -> str:
        """Shut for all but tailscaled; not among UFW's own rules, which know no owners."""
        protocol, port = self.rule.port.protocol, self.rule.port.number
        return (
            f"-A ufw-before-output -d {self.peer} -p {protocol} --dport {port}"
            f" -m owner ! --uid-owner {USER} -j DROP\n"
        )
