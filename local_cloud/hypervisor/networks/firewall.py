"""Cloud firewalls and anti-spoofing as nft scripts, written from policies by pure functions.

A firewall stands outside the machine, in the namespace of its network, where nothing in the machine can
change it. Frames on the bridge pass the `inet` forward hook thanks to br_netfilter, so that it can be
stateful: many kernels lack connection tracking for the bridge family itself (CONFIG_NF_CONNTRACK_BRIDGE).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from local_cloud.hypervisor.model import Policy, Rule

METADATA_ADDRESS = IPv4Address("169.254.169.254")
ANYWHERE = IPv4Network("0.0.0.0/0")

NOT_ON_THE_INTERNET = tuple(
    IPv4Network(block)
    for block in ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)
"""Private ranges, that no network outside a VPC carries (RFC 6890)."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A network card's end on the bridge, and the only addresses that may be used behind it."""

    name: str
    mac: str
    address: IPv4Address
    endpoint: str


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A connection as its first packet was: `port` is the destination's, None for icmp."""

    protocol: str
    source: IPv4Address
    destination: IPv4Address
    port: int | None


def spoofing_script(ports: Sequence[Port]) -> str:
    """Each port may send from its own MAC and IPv4 address, and answer ARP for them; nothing else passes."""
    own = ", ".join(f"{port.name} . {port.mac} . {port.address}" for port in ports)
    macs = ", ".join(f"{port.name} . {port.mac}" for port in ports)
    rules = (
        f"""
    iifname . ether saddr != {{ {macs} }} drop
    ether type arp iifname . arp saddr ether . arp saddr ip {{ {own} }} accept
    ether type ip iifname . ether saddr . ip saddr {{ {own} }} accept"""
        if ports
        else ""
    )
    return _replacing(
        "bridge anti_spoofing",
        f"""  chain prerouting {{
    type filter hook prerouting priority -300; policy drop;{rules}
  }}
""",
    )


def firewall_script(ports: Sequence[Port], policies: Mapping[str, Policy | None]) -> str:
    """The cloud firewalls of one network; an endpoint without a policy is open, as on DigitalOcean."""
    guarded = [(port, policy) for port in ports if (policy := policies.get(port.endpoint)) is not None]
    senders = [(port, policy) for port, policy in guarded if not policy.unrestricted_outbound]
    chains = [_chain("from", port, policy, "outbound") for port, policy in senders]
    chains += [_chain("to", port, policy, "inbound") for port, policy in guarded]
    jumps = _jumps("saddr", "from", [port for port, _ in senders])
    jumps += _jumps("daddr", "to", [port for port, _ in guarded])
    return _replacing(
        "inet cloud_firewall",
        f"""{"".join(chains)}  chain forward {{
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ct state invalid drop
{jumps}  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "br0" ip daddr {METADATA_ADDRESS} tcp dport 80 accept
    iifname "br0" icmp type echo-request accept
  }}
""",
    )


def gateway_script(ip_range: IPv4Network, public_address: IPv4Address) -> str:
    """A NAT gateway: out from the range to the internet, and the answers back; nothing else either way."""
    private = ", ".join(map(str, NOT_ON_THE_INTERNET))
    return _replacing(
        "inet nat_gateway",
        f"""  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ip daddr {{ {private} }} drop
    iifname "vpc" oifname "public" ip saddr {ip_range} ct state new accept
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "public" ip saddr {ip_range} snat ip to {public_address}
  }}
""",
    )


def permitted(flow: Flow, policies: Mapping[IPv4Address, Policy]) -> bool:
    """Whether the firewalls of both ends let the flow begin: the same answer as the nft script gives."""
    sender, receiver = policies.get(flow.source), policies.get(flow.destination)
    leaves = (
        sender is None
        or sender.unrestricted_outbound
        or _allows(sender, "outbound", flow, peer=flow.destination)
    )
    return leaves and (receiver is None or _allows(receiver, "inbound", flow, peer=flow.source))


def _allows(policy: Policy, direction: str, flow: Flow, *, peer: IPv4Address) -> bool:
    return any(
        rule.direction == direction
        and rule.protocol == flow.protocol
        and (rule.ports is None or (flow.port is not None and rule.ports[0] <= flow.port <= rule.ports[1]))
        and any(peer in network for network in _ipv4(rule.peers))
        for rule in policy.rules
    )


def _replacing(table: str, body: str) -> str:
    # Naming the table first makes the deletion valid when there is none yet; nft loads all three as one.
    return f"table {table}\ndelete table {table}\ntable {table} {{\n{body}}}\n"


def _jumps(side: str, prefix: str, ports: Sequence[Port]) -> str:
    if not ports:
        return ""
    targets = ", ".join(f"{port.address} : jump {_chain_name(prefix, port)}" for port in ports)
    return f"    ip {side} vmap {{ {targets} }}\n"


def _chain(prefix: str, port: Port, policy: Policy, direction: str) -> str:
    side = "saddr" if direction == "inbound" else "daddr"
    lines = [line for rule in policy.rules if rule.direction == direction for line in _matches(rule, side)]
    body = "".join(f"    {line} return\n" for line in lines)
    return f"  chain {_chain_name(prefix, port)} {{\n{body}    drop\n  }}\n"


def _chain_name(prefix: str, port: Port) -> str:
    return f"{prefix}_{str(port.address).replace('.', '_')}"


def _matches(rule: Rule, side: str) -> Iterator[str]:
    # Networks that overlap would make nft refuse the set.
    networks = list(collapse_addresses(_ipv4(rule.peers)))
    if not networks:
        return
    peers = "" if networks == [ANYWHERE] else f"ip {side} {{ {', '.join(map(str, networks))} }} "
    if rule.ports is None:
        yield f"{peers}meta l4proto {rule.protocol}"
    else:
        first, last = rule.ports
        yield f"{peers}{rule.protocol} dport {first}-{last}"


def _ipv4(networks: Iterable[object]) -> list[IPv4Network]:
    return [network for network in networks if isinstance(network, IPv4Network)]
