"""A tenant's hosts and services as the account has them, by tier, with the addresses they have in the VPC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.flows import HOST_TIERS, Endpoint, port_of
from components.naming import tier_tag
from stacks.errors import InventoryError
from stacks.inventory import Inventory, Thing, address_of

SERVICE_TIERS = (Endpoint.DATABASE, Endpoint.CACHE)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A droplet, or a service such as the database; `port` is a service's own."""

    tenant: str
    tier: Endpoint
    name: str
    address: str
    port: int | None = None
    is_public: bool = False

    @property
    def is_host(self) -> bool:
        return self.tier in HOST_TIERS


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """Everything of one tenant that has an address."""

    tenant: str
    members: tuple[Member, ...]

    @property
    def hosts(self) -> tuple[Member, ...]:
        return tuple(member for member in self.members if member.is_host)

    @property
    def services(self) -> tuple[Member, ...]:
        return tuple(member for member in self.members if not member.is_host)


def tenancy(inventory: Inventory, tenant: str) -> Tenancy:
    """What a tenant has. Raises InventoryError when it has no hosts, or one without a private address."""
    hosts = [_host(tenant, thing) for thing in inventory.hosts(tenant)]
    if not hosts:
        msg = (
            f"the account has no hosts of {tenant!r}: bring it up first, with `python -m stacks.up {tenant}`"
        )
        raise InventoryError(msg)
    services = [_service(tenant, thing) for thing in inventory.services(tenant)]
    ordered = sorted(hosts, key=lambda host: (host.tier, host.name))
    return Tenancy(tenant=tenant, members=(*ordered, *sorted(services, key=lambda each: each.name)))


def _host(tenant: str, thing: Thing) -> Member:
    if thing.private_address is None:
        msg = (
            f"{thing} has no address in the VPC (its status is {thing.status!r}): wait, or recover the stack"
        )
        raise InventoryError(msg)
    return Member(
        tenant=tenant,
        tier=_tier(tenant, thing, HOST_TIERS),
        name=thing.name,
        address=thing.private_address,
        is_public=thing.is_public,
    )


def _service(tenant: str, thing: Thing) -> Member:
    tier = _tier(tenant, thing, SERVICE_TIERS)
    return Member(
        tenant=tenant, tier=tier, name=thing.name, address=address_of(thing), port=port_of(tier).number
    )


def _tier(tenant: str, thing: Thing, tiers: Iterable[Endpoint]) -> Endpoint:
    found = [tier for tier in tiers if tier_tag(tenant, tier) in thing.tags]
    if len(found) != 1:
        tags = ", ".join(found) or "none"
        msg = f"{thing} should carry the tag of one tier, and carries: {tags}; run `up` again"
        raise InventoryError(msg)
    return found[0]


def sample(members: Sequence[Member], size: int) -> list[Member]:
    """At most `size` members of each tier: what is tried against fifty agents is tried on two."""
    taken: dict[tuple[str, Endpoint], int] = {}
    chosen = []
    for member in members:
        key = (member.tenant, member.tier)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= size:
            chosen.append(member)
    return chosen
