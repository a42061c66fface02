"""What DigitalOcean's resources cost, in US dollars a month.

DigitalOcean's API tells the prices of droplets alone: those are what `doctl compute size list` prints, as the
local cloud's catalogue has them. The rest is what others quote of its list prices, seen in November 2026: a
managed database has 15 dollars a GiB of memory and node, PostgreSQL 0.015 a GiB of its disk on top, which
gives its 15.15, 30.45 and 60.90 for the three smallest. Neither the gateway's 40 dollars nor a GiB of
database disk beyond the size's own was seen in any list by us: compare them with your first invoice.
Deliberately without what follows from use: traffic, snapshots.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from policies.reading import read
from policies.resource_types import (
    CERTIFICATE,
    DATABASE_CLUSTER,
    DATABASE_CONNECTION_POOL,
    DATABASE_DB,
    DATABASE_FIREWALL,
    DATABASE_REPLICA,
    DATABASE_USER,
    DNS_RECORD,
    DOMAIN,
    DROPLET,
    FIREWALL,
    LOAD_BALANCER,
    PROJECT,
    PROJECT_RESOURCES,
    RESERVED_IP,
    TAG,
    VOLUME,
    VOLUME_ATTACHMENT,
    VPC,
    VPC_NAT_GATEWAY,
    VPC_PEERING,
)

VOLUME_GIB = Decimal("0.10")
NAT_GATEWAY = Decimal(40)
LOAD_BALANCER_NODE = Decimal(12)
IDLE_ADDRESS = Decimal(5)
BACKUPS = {"weekly": Decimal("0.20"), "daily": Decimal("0.30")}
"""As a part of the droplet's own price."""

_DROPLETS = """
s-1vcpu-512mb-10gb 4  s-1vcpu-1gb 6  s-1vcpu-2gb 12  s-2vcpu-2gb 18  s-2vcpu-4gb 24  s-4vcpu-8gb 48
s-8vcpu-16gb 96
s-1vcpu-1gb-amd 7  s-1vcpu-2gb-amd 14  s-2vcpu-2gb-amd 21  s-2vcpu-4gb-amd 28  s-4vcpu-8gb-amd 56
s-8vcpu-16gb-amd 112
s-1vcpu-1gb-intel 7  s-1vcpu-1gb-35gb-intel 8  s-1vcpu-2gb-intel 14  s-1vcpu-2gb-70gb-intel 16
s-2vcpu-2gb-intel 21  s-2vcpu-2gb-90gb-intel 24  s-2vcpu-4gb-intel 28  s-2vcpu-4gb-120gb-intel 32
s-4vcpu-8gb-intel 56  s-4vcpu-8gb-240gb-intel 64  s-8vcpu-16gb-intel 112  s-8vcpu-16gb-480gb-intel 128
c-2 42  c-4 84  c-8 168  c-16 336  c-32 672
c2-2vcpu-4gb 47  c2-4vcpu-8gb 94  c2-8vcpu-16gb 188  c2-16vcpu-32gb 376  c2-32vcpu-64gb 752
g-2vcpu-8gb 63  g-4vcpu-16gb 126  g-8vcpu-32gb 252  g-16vcpu-64gb 504  g-32vcpu-128gb 1008
g-40vcpu-160gb 1260
gd-2vcpu-8gb 68  gd-4vcpu-16gb 136  gd-8vcpu-32gb 272  gd-16vcpu-64gb 544  gd-32vcpu-128gb 1088
gd-40vcpu-160gb 1360
m-2vcpu-16gb 84  m-4vcpu-32gb 168  m-8vcpu-64gb 336  m-16vcpu-128gb 672  m-24vcpu-192gb 1008
m-32vcpu-256gb 1344
m3-2vcpu-16gb 104  m3-4vcpu-32gb 208  m3-8vcpu-64gb 416
so-2vcpu-16gb 131  so-4vcpu-32gb 262  so-8vcpu-64gb 524  so-16vcpu-128gb 1048  so-24vcpu-192gb 1572
so-32vcpu-256gb 2096
so1_5-2vcpu-16gb 163  so1_5-4vcpu-32gb 326  so1_5-8vcpu-64gb 652
"""

_DATABASES = {
    "db-s-1vcpu-1gb": (1, 10),
    "db-s-1vcpu-2gb": (2, 30),
    "db-s-2vcpu-4gb": (4, 60),
    "db-s-4vcpu-8gb": (8, 140),
    "db-s-6vcpu-16gb": (16, 290),
    "db-s-8vcpu-32gb": (32, 600),
    "db-s-16vcpu-64gb": (64, 1120),
}
"""GiB of memory and of disk; each node, standbys too, costs the same."""

_DATABASE_GIB = Decimal(15)
_MORE_DISK_GIB = Decimal("0.215")
_DISK_GIB = {"pg": Decimal("0.015"), "valkey": Decimal(0)}

_FREE = frozenset(
    {
        *(DATABASE_DB, DATABASE_FIREWALL, DATABASE_USER, FIREWALL, PROJECT, PROJECT_RESOURCES, TAG, VPC),
        *(CERTIFICATE, DATABASE_CONNECTION_POOL, DNS_RECORD, DOMAIN, VOLUME_ATTACHMENT, VPC_PEERING),
    }
)

Props = Mapping[str, Any]


def _droplet_prices() -> dict[str, Decimal]:
    words = _DROPLETS.split()
    return {slug: Decimal(price) for slug, price in zip(words[::2], words[1::2], strict=True)}


DROPLETS = _droplet_prices()
"""By the size's slug."""


def monthly(type_: str, props: Props) -> Decimal | None:
    """The price of a resource with such inputs, in the engine's spelling; None when it can't be known.

    Nothing for what DigitalOcean doesn't bill, and for everything that isn't DigitalOcean's.
    """
    if type_ in _FREE or not type_.startswith("digitalocean:"):
        return Decimal(0)
    price = _PRICED.get(type_)
    return price(props) if price else None


def _droplet(props: Props) -> Decimal | None:
    base: Decimal | None = _looked_up(DROPLETS, read(props, "size"))
    backups = read(props, "backups")
    if base is None or backups in (None, False):
        return base
    plan = read(props, "backupPolicy", "plan")
    share = _looked_up(BACKUPS, "weekly" if plan is None else plan)
    return None if share is None or backups is not True else base + base * share


def _cluster(props: Props) -> Decimal | None:
    size: tuple[int, int] | None = _looked_up(_DATABASES, read(props, "size"))
    disk_gib: Decimal | None = _looked_up(_DISK_GIB, read(props, "engine"))
    nodes = _number(read(props, "nodeCount"))
    if size is None or disk_gib is None or nodes is None:
        return None
    memory, disk = size
    more = max(Decimal(0), _mebibytes(read(props, "storageSizeMib")) / 1024 - disk)
    return nodes * (memory * _DATABASE_GIB + disk * disk_gib + more * _MORE_DISK_GIB)


def _mebibytes(value: Any) -> Decimal:
    """A text, in a cluster's state; before there is a cluster nobody knows it, and it gets its size's."""
    return Decimal(value) if isinstance(value, str) and value.isdecimal() else _number(value) or Decimal(0)


def _replica(props: Props) -> Decimal | None:
    """As a node of PostgreSQL: Valkey has no replicas."""
    return _cluster({"size": read(props, "size"), "engine": "pg", "nodeCount": 1})


def _volume(props: Props) -> Decimal | None:
    size = _number(read(props, "size"))
    return None if size is None else size * VOLUME_GIB


def _gateway(props: Props) -> Decimal | None:
    size = _number(read(props, "size"))
    return None if size is None else size * NAT_GATEWAY


def _load_balancer(props: Props) -> Decimal | None:
    """By its nodes, which a global one has not."""
    units = read(props, "sizeUnit")
    nodes = _number(1 if units is None else units)
    sized = units is not None or read(props, "size") in (None, "lb-small")
    if nodes is None or not sized or read(props, "type") not in (None, "REGIONAL", "REGIONAL_NETWORK"):
        return None
    return nodes * LOAD_BALANCER_NODE


def _reserved_address(props: Props) -> Decimal:
    """It costs while no droplet has it, which an assignment of its own may change."""
    return IDLE_ADDRESS if read(props, "dropletId") is None else Decimal(0)


def _looked_up(prices: Mapping[str, Any], key: Any) -> Any:
    return prices.get(key) if isinstance(key, str) else None


def _number(value: Any) -> Decimal | None:
    """A count or a size; None for what is none, as a preview's texts for unknown values."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return Decimal(str(value))


_PRICED: Mapping[str, Callable[[Props], Decimal | None]] = {
    DATABASE_CLUSTER: _cluster,
    DATABASE_REPLICA: _replica,
    DROPLET: _droplet,
    LOAD_BALANCER: _load_balancer,
    RESERVED_IP: _reserved_address,
    VOLUME: _volume,
    VPC_NAT_GATEWAY: _gateway,
}
