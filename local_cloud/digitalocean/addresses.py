"""Which address is free. Pure: the caller says which are taken."""

import hashlib
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

PUBLIC_RANGE = IPv4Network("198.18.0.0/16")
"""Public addresses: the range that RFC 2544 sets aside, so none is anybody's."""

PRIVATE_RANGES = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
LARGEST_VPC_PREFIX, SMALLEST_VPC_PREFIX, GENERATED_VPC_PREFIX = 16, 28, 20


class RangeExhaustedError(Exception):
    """Every address, or every range, is taken."""


def gateway_of(network: IPv4Network) -> IPv4Address:
    """The first address of a network, which is its gateway's."""
    return network.network_address + 1


def allocate_address(network: IPv4Network, taken: Collection[IPv4Address]) -> IPv4Address:
    """The lowest address that is neither taken, the network's, its gateway's nor its broadcast's.

    Raises RangeExhaustedError.
    """
    occupied = set(taken)
    first, last = int(network.network_address) + 2, int(network.broadcast_address) - 1
    for number in range(first, last + 1):
        address = IPv4Address(number)
        if address not in occupied:
            return address
    raise RangeExhaustedError(f"every address of {network} is taken: delete members, or use a larger range")


def allocate_range(taken: Iterable[IPv4Network]) -> IPv4Network:
    """A /20 for a VPC made without a range, as DigitalOcean gives them: 10.100.0.0/20 and up.

    Raises RangeExhaustedError.
    """
    occupied = list(taken)
    for candidate in IPv4Network("10.96.0.0/11").subnets(new_prefix=GENERATED_VPC_PREFIX):
        if not any(candidate.overlaps(other) for other in occupied):
            return candidate
    raise RangeExhaustedError("no /20 of 10.96.0.0/11 is free: give an ip_range")


def interface_in(network: IPv4Network, address: str) -> IPv4Interface:
    return IPv4Interface(f"{address}/{network.prefixlen}")


def mac_of(endpoint: str, network: str) -> str:
    """A locally administered address that follows from what the card is for."""
    digest = hashlib.sha256(f"{endpoint}@{network}".encode()).digest()
    return ":".join(f"{octet:02x}" for octet in (0x02, *digest[:5]))
