"""Address ranges as rules read them. Repeated here on purpose: stacks' own checks may have a mistake."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918."""

WIDEST = {4: 16, 6: 32}
"""The shortest prefixes of a range that is somebody's, and not a part of the internet."""

Network = IPv4Network | IPv6Network


def network(value: Any) -> Network | None:
    """The range that a value is; None for what is none, or has host bits set."""
    try:
        return ip_network(value) if isinstance(value, str) else None
    except ValueError:
        return None


def is_private(block: Network) -> bool:
    """Whether all of it is for private networks."""
    return isinstance(block, IPv4Network) and any(block.subnet_of(private) for private in PRIVATE)


def is_wide(block: Network) -> bool:
    """Whether it is the world, or so much of it that nobody can tell whose it is."""
    return block.prefixlen < WIDEST[block.version]
