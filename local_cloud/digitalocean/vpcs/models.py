"""VPCs: their ranges, their members, and the default one of a region.

DigitalOcean makes an account's first VPC of a region the default one, which can't be deleted. Here, as in an
account that has long used the region, the default one is never a VPC that was asked for: it is made when
something first comes without a VPC, so that whatever a stack makes it can also destroy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean import addresses
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.regions import NAMES
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.errors import ConflictError, ForbiddenError, UnprocessableEntityError
from local_cloud.digitalocean.tables import DatabaseCluster, Droplet, NatGateway, Vpc
from local_cloud.hypervisor import model


@dataclass(frozen=True)
class Member:
    kind: str
    id: str
    name: str
    created_at: datetime

    @property
    def urn(self) -> str:
        return f"do:{self.kind}:{self.id}"


def check_region(region: str) -> None:
    """Raises UnprocessableEntityError."""
    if region not in NAMES:
        raise UnprocessableEntityError(
            f"You specified an invalid region: {region}. Use one of {', '.join(NAMES)}."
        )


def create_vpc(call: Call, name: str, region: str, description: str, ip_range: str | None) -> Vpc:
    """Raises UnprocessableEntityError for a taken name, and for a range that is taken or no VPC's."""
    check_region(region)
    check_name_free(call, name)
    others = list_vpcs(call)
    network = _checked_range(ip_range, others) if ip_range else _free_range(others)
    return _make(call, name, region, description, network, default=False)


def default_vpc(call: Call, region: str) -> Vpc:
    """The region's, made if this is its first use."""
    found = next((vpc for vpc in list_vpcs(call) if vpc.region == region and vpc.default), None)
    if found is not None:
        return found
    return _make(call, f"default-{region}", region, "", _free_range(list_vpcs(call)), default=True)


def list_vpcs(call: Call) -> list[Vpc]:
    mine = select(Vpc).where(Vpc.account_id == call.account.id).order_by(Vpc.created_at, Vpc.id)
    return list(call.session.scalars(mine))


def check_name_free(call: Call, name: str, but: str | None = None) -> None:
    if any(vpc.name == name and vpc.id != but for vpc in list_vpcs(call)):
        raise UnprocessableEntityError("a VPC with the same name already exists in your account")


def make_default(call: Call, chosen: Vpc) -> None:
    for vpc in list_vpcs(call):
        if vpc.region == chosen.region:
            vpc.default = vpc.id == chosen.id


def delete_vpc(call: Call, vpc: Vpc) -> None:
    """Raises ForbiddenError for the default one, ConflictError for one with members."""
    if vpc.default:
        raise ForbiddenError("Can not delete default VPCs")
    if next(_all_members(call.session, vpc), None) is not None:
        raise ConflictError("Can not delete VPC with members")
    call.cloud.hypervisor.delete_vpc(vpc.id)
    call.session.delete(vpc)


def members(call: Call, vpc: Vpc, kind: str | None = None) -> list[Member]:
    wanted = {"droplet": "droplet", "dbaas": "dbaas", "nat_gateway": "vpc_nat_gateway"}
    found = _all_members(call.session, vpc)
    return [member for member in found if kind is None or member.kind == wanted.get(kind or "")]


def allocate_private(session: Session, vpc: Vpc) -> IPv4Address:
    """A free address for a new member. Raises UnprocessableEntityError when the VPC is full."""
    taken = [
        IPv4Address(address)
        for table in (Droplet, DatabaseCluster)
        for address in session.scalars(select(table.private_address).where(table.vpc_id == vpc.id))
    ]
    try:
        return addresses.allocate_address(IPv4Network(vpc.ip_range), taken)
    except addresses.RangeExhaustedError as error:
        raise UnprocessableEntityError(f"VPC {vpc.name} has no free address: {error}") from error


def allocate_public(session: Session) -> IPv4Address:
    """A free public address, of all accounts. Raises UnprocessableEntityError."""
    taken = [
        IPv4Address(address)
        for column in (Droplet.public_address, DatabaseCluster.public_address, NatGateway.public_address)
        for address in session.scalars(select(column))
        if address
    ]
    try:
        return addresses.allocate_address(addresses.PUBLIC_RANGE, taken)
    except addresses.RangeExhaustedError as error:
        raise UnprocessableEntityError(f"no public address is free: {error}") from error


def _make(
    call: Call, name: str, region: str, description: str, network: IPv4Network, *, default: bool
) -> Vpc:
    vpc = Vpc(
        id=call.cloud.ids.uuid(call.session, "vpc"),
        account_id=call.account.id,
        name=name,
        region=region,
        description=description,
        ip_range=str(network),
        default=default,
        created_at=now(),
    )
    call.session.add(vpc)
    call.session.flush()
    vpc_id = vpc.id
    call.if_undone(lambda: call.cloud.hypervisor.delete_vpc(vpc_id))
    call.cloud.hypervisor.create_vpc(model.Vpc(id=vpc_id, ip_range=network))
    return vpc


def _checked_range(text: str, others: list[Vpc]) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise UnprocessableEntityError(f"ip_range is invalid: {error}") from error
    if not addresses.LARGEST_VPC_PREFIX <= network.prefixlen <= addresses.SMALLEST_VPC_PREFIX:
        raise UnprocessableEntityError(
            f"ip_range is invalid: {network} must be no larger than /16 and no smaller than /28"
        )
    if not any(network.subnet_of(private) for private in addresses.PRIVATE_RANGES):
        raise UnprocessableEntityError(f"ip_range is invalid: {network} is not a private range of RFC1918")
    for other in others:
        if network.overlaps(IPv4Network(other.ip_range)):
            raise UnprocessableEntityError(
                "This range/size overlaps with another VPC network in your account: "
                f"{other.name} {other.ip_range}."
            )
    return network


def _free_range(others: list[Vpc]) -> IPv4Network:
    try:
        return addresses.allocate_range(IPv4Network(other.ip_range) for other in others)
    except addresses.RangeExhaustedError as error:
        raise UnprocessableEntityError(str(error)) from error


def _all_members(session: Session, vpc: Vpc) -> Iterator[Member]:
    for droplet in session.scalars(select(Droplet).where(Droplet.vpc_id == vpc.id)):
        yield Member("droplet", str(droplet.id), droplet.name, droplet.created_at)
    for cluster in session.scalars(select(DatabaseCluster).where(DatabaseCluster.vpc_id == vpc.id)):
        yield Member("dbaas", cluster.id, cluster.name, cluster.created_at)
    for gateway in session.scalars(select(NatGateway).where(NatGateway.vpc_id == vpc.id)):
        yield Member("vpc_nat_gateway", gateway.id, gateway.name, gateway.created_at)
