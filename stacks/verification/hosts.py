"""A tenant's hosts and services as the account and the tailnet have them, by tier, with their addresses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from components.flows import HOST_TIERS, Endpoint, port_of
from components.naming import CONTROL_PLANE_TAG, VAULT_TAG, mesh_tag, tier_tag
from components.tailnet import Device
from stacks.errors import InventoryError
from stacks.inventory import Inventory, Thing, address_of

SERVICE_TIERS = (Endpoint.DATABASE, Endpoint.CACHE)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A droplet, or a service such as the database; `port` is a service's own.

    `address` is that in the VPC. A host that isn't in the mesh, or of which no stack has pinned the host key,
    lacks `mesh_address` or `host_key`.
    """

    tenant: str
    tier: Endpoint
    name: str
    address: str
    port: int | None = None
    is_public: bool = False
    mesh_address: str | None = None
    host_key: str | None = field(default=None, repr=False)

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


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What tenants share: the operator's machine, that verification runs on, and the vault, in the mesh.

    `coordination` is an address of the mesh's coordination server, which only a host's tailscaled may reach.
    """

    operator: Member
    vault: Member
    coordination: str


def shared(devices: Sequence[Device], coordination: str) -> Shared:
    """Raises InventoryError when the tailnet lacks the operator or the vault."""
    return Shared(
        operator=_shared(Endpoint.CONTROL_PLANE, CONTROL_PLANE_TAG, devices),
        vault=_shared(Endpoint.VAULT, VAULT_TAG, devices),
        coordination=coordination,
    )


def _shared(tier: Endpoint, tag: str, devices: Sequence[Device]) -> Member:
    found = [device for device in devices if tag in device.tags]
    if not found:
        msg = f"the tailnet has no device with {tag!r}: let the machine that it is for join with that tag"
        raise InventoryError(msg)
    address = found[0].address
    return Member(tenant="", tier=tier, name=found[0].hostname, address=address, mesh_address=address)


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """What a stack knows of a host in the mesh: which device it is, and its host key in OpenSSH's format."""

    device_id: str
    host_key: str


def tenancy(
    inventory: Inventory, tenant: str, devices: Sequence[Device], pinned: Mapping[str, Pinned]
) -> Tenancy:
    """What a tenant has; `pinned` is by host.

    Raises InventoryError when it has no hosts, or one without a private address.
    """
    hosts = [_host(tenant, thing, devices, pinned.get(thing.name)) for thing in inventory.hosts(tenant)]
    if not hosts:
        msg = (
            f"the account has no hosts of {tenant!r}: bring it up first, with `python -m stacks.up {tenant}`"
        )
        raise InventoryError(msg)
    services = [_service(tenant, thing) for thing in inventory.services(tenant)]
    ordered = sorted(hosts, key=lambda host: (host.tier, host.name))
    return Tenancy(tenant=tenant, members=(*ordered, *sorted(services, key=lambda each: each.name)))


def _host(tenant: str, thing: Thing, devices: Sequence[Device], pinned: Pinned | None) -> Member:
    if thing.private_address is None:
        msg = (
            f"{thing} has no address in the VPC (its status is {thing.status!r}): wait, or recover the stack"
        )
        raise InventoryError(msg)
    tier = _tier(tenant, thing, HOST_TIERS)
    return Member(
        tenant=tenant,
        tier=tier,
        name=thing.name,
        address=thing.private_address,
        is_public=thing.is_public,
        mesh_address=_mesh_address(pinned, mesh_tag(tenant, tier), devices) if pinned else None,
        host_key=pinned.host_key if pinned else None,
    )


def _mesh_address(pinned: Pinned, tag: str, devices: Sequence[Device]) -> str | None:
    """That of the device that the stack knows, as long as it bears its tier's tag."""
    found = [device for device in devices if device.id == pinned.device_id and tag in device.tags]
    return found[0].address if found else None


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
