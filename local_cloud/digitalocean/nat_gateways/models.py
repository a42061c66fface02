"""VPC NAT gateways: made and deleted in the background; each is one VPC's."""

from ipaddress import IPv4Address

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.errors import UnprocessableEntityError
from local_cloud.digitalocean.jobs import Deed, Work
from local_cloud.digitalocean.tables import Action, NatGateway, Vpc
from local_cloud.digitalocean.vpcs.models import allocate_public, check_region
from local_cloud.hypervisor import model


def create_gateway(call: Call, gateway: NatGateway) -> NatGateway:
    """Completes and keeps a gateway with what was asked for. Raises UnprocessableEntityError."""
    check_region(gateway.region)
    check_vpc(call, gateway)
    gateway.id = call.cloud.ids.uuid(call.session, "nat_gateway")
    gateway.account_id = call.account.id
    gateway.state = "NEW"
    gateway.public_address = str(allocate_public(call.session))
    gateway.created_at = gateway.updated_at = now()
    call.session.add(gateway)
    call.session.flush()
    call.start("nat_gateway.create", ("nat_gateway", gateway.id), gateway.region, public=False)
    return gateway


def check_vpc(call: Call, gateway: NatGateway) -> None:
    """Raises NotFoundError for a VPC that isn't there, UnprocessableEntityError for one that doesn't fit."""
    vpc = call.own(Vpc, gateway.vpc_id)
    if vpc.region != gateway.region:
        raise UnprocessableEntityError(
            f"VPC {vpc.id} is in {vpc.region}, the VPC NAT gateway in {gateway.region}: use one region"
        )
    rival = next((other for other in gateways_of(call.session, vpc.id) if other.id != gateway.id), None)
    if gateway.default_gateway and rival is not None and rival.default_gateway:
        raise UnprocessableEntityError(f"VPC {vpc.id} has a default gateway already: {rival.name}")


def gateways_of(session: Session, vpc_id: str) -> list[NatGateway]:
    return list(session.scalars(select(NatGateway).where(NatGateway.vpc_id == vpc_id)))


def list_gateways(call: Call) -> list[NatGateway]:
    mine = select(NatGateway).where(NatGateway.account_id == call.account.id)
    return list(call.session.scalars(mine.order_by(NatGateway.created_at, NatGateway.id)))


def start_update(call: Call, gateway: NatGateway) -> None:
    call.start("nat_gateway.update", ("nat_gateway", gateway.id), gateway.region, public=False)


def start_deletion(call: Call, gateway: NatGateway) -> None:
    if gateway.state == "DELETING":
        return
    gateway.state = "DELETING"
    action = call.start("nat_gateway.delete", ("nat_gateway", gateway.id), gateway.region, public=False)
    call.await_outcome(action)


def realise(cloud: Cloud, gateway: NatGateway) -> Deed:
    """Only the default gateway carries traffic: DigitalOcean routes a VPC through no other by itself."""
    real = model.NatGateway(
        id=gateway.id, vpc_id=gateway.vpc_id, public_address=IPv4Address(gateway.public_address)
    )
    if gateway.default_gateway:
        return lambda: cloud.hypervisor.create_nat_gateway(real)
    return lambda: cloud.hypervisor.delete_nat_gateway(real.id)


def _gateway(session: Session, action: Action) -> NatGateway | None:
    return session.get(NatGateway, action.resource_id)


def _prepare_create(cloud: Cloud, session: Session, action: Action) -> Deed:
    gateway = _gateway(session, action)
    return realise(cloud, gateway) if gateway else lambda: None


def _activate(_cloud: Cloud, session: Session, action: Action) -> None:
    gateway = _gateway(session, action)
    if gateway is not None and gateway.state != "DELETING":
        gateway.state, gateway.updated_at = "ACTIVE", now()


def _fail(_cloud: Cloud, session: Session, action: Action) -> None:
    gateway = _gateway(session, action)
    if gateway is not None:
        gateway.state, gateway.updated_at = "ERROR", now()


def _prepare_delete(cloud: Cloud, _session: Session, action: Action) -> Deed:
    gateway_id = action.resource_id
    return lambda: cloud.hypervisor.delete_nat_gateway(gateway_id)


def _remove(_cloud: Cloud, session: Session, action: Action) -> None:
    gateway = _gateway(session, action)
    if gateway is not None:
        session.delete(gateway)


WORK = {
    "nat_gateway.create": Work(prepare=_prepare_create, complete=_activate, fail=_fail),
    "nat_gateway.update": Work(prepare=_prepare_create, complete=_activate, fail=_fail),
    "nat_gateway.delete": Work(prepare=_prepare_delete, complete=_remove, fail=_fail),
}
