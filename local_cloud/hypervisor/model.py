"""What the API asks of the hypervisor: plain, immutable data with no behaviour.

The API owns every decision (names, addresses, limits, who may talk to whom) and all lasting state; the
hypervisor only makes it real and can be told the same thing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Network
from typing import Any, Literal

PUBLIC_NETWORK = "public"
"""The network of public addresses; every other network is a VPC, named by its id."""


class HypervisorError(Exception):
    """A real thing could not be made, changed or removed; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A VPC: a bridge in a network namespace of its own, its gateway at the range's first address."""

    id: str
    ip_range: IPv4Network


@dataclass(frozen=True, kw_only=True)
class NatGateway:
    """The way out of a VPC: source NAT to one public address."""

    id: str
    vpc_id: str
    public_address: IPv4Address


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A network card: `network` is PUBLIC_NETWORK or a VPC's id."""

    network: str
    address: IPv4Interface
    mac: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A droplet. `memory_mib` and `vcpus` are limits; `metadata` is DigitalOcean's /metadata/v1.json."""

    id: int
    name: str
    image: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    interfaces: tuple[Interface, ...]
    ssh_keys: tuple[str, ...] = ()
    user_data: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> str:
        return f"droplet:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A block device backed by a sparse file; `filesystem` is made once, when the volume is created."""

    id: str
    name: str
    size_gib: int
    filesystem: Literal["ext4", "xfs"] | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class DatabaseCluster:
    """A PostgreSQL or Valkey server with TLS on `port`; its certificate names `hostnames` and addresses.

    `settings` are the engine's own names, with values as in its configuration file ("work_mem": "8MB").
    """

    id: str
    name: str
    engine: Literal["pg", "valkey"]
    version: str
    port: int
    interfaces: tuple[Interface, ...]
    hostnames: tuple[str, ...]
    admin_user: str
    memory_mib: int
    admin_password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return f"database:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Traffic that may pass. `ports` is an inclusive range; None means all ports, or icmp, which has none."""

    direction: Literal["inbound", "outbound"]
    protocol: Literal["tcp", "udp", "icmp"]
    ports: tuple[int, int] | None
    peers: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What an endpoint's firewalls let through, together; everything else is dropped.

    `unrestricted_outbound` is for database clusters, whose trusted sources say nothing of what they send.
    """

    rules: tuple[Rule, ...]
    unrestricted_outbound: bool = False
