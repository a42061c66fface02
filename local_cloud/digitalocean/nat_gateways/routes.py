"""/v2/vpc_nat_gateways."""

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from local_cloud.digitalocean.addresses import gateway_of
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now, written
from local_cloud.digitalocean.errors import UnprocessableEntityError
from local_cloud.digitalocean.nat_gateways import models
from local_cloud.digitalocean.projects.models import find_project
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import NatGateway, Vpc

service = Service("real")

Seconds = Annotated[int, Field(ge=1, le=86_400)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9.-]+$")]
DEFAULT_TIMEOUT_SECONDS = 30


class VpcReference(BaseModel):
    vpc_uuid: str
    default_gateway: bool = False


class GatewayPut(BaseModel):
    name: Name
    size: int = Field(ge=1, le=200)
    vpcs: list[VpcReference] = Field(default_factory=list)
    udp_timeout_seconds: Seconds = DEFAULT_TIMEOUT_SECONDS
    icmp_timeout_seconds: Seconds = DEFAULT_TIMEOUT_SECONDS
    tcp_timeout_seconds: Seconds = DEFAULT_TIMEOUT_SECONDS


class GatewayCreate(GatewayPut):
    type: Literal["PUBLIC"]
    region: str
    vpcs: list[VpcReference] = Field(min_length=1)
    project_id: str | None = None


def view(call: Call, gateway: NatGateway) -> dict[str, Any]:
    vpc = call.own(Vpc, gateway.vpc_id)
    return {
        "id": gateway.id,
        "name": gateway.name,
        "type": "PUBLIC",
        "state": gateway.state,
        "region": gateway.region,
        "size": gateway.size,
        "vpcs": [
            {
                "vpc_uuid": gateway.vpc_id,
                "gateway_ip": str(gateway_of(IPv4Network(vpc.ip_range))),
                "default_gateway": gateway.default_gateway,
            }
        ],
        "egresses": {"public_gateways": [{"ipv4": gateway.public_address}]},
        "udp_timeout_seconds": gateway.udp_timeout_seconds,
        "icmp_timeout_seconds": gateway.icmp_timeout_seconds,
        "tcp_timeout_seconds": gateway.tcp_timeout_seconds,
        "created_at": written(gateway.created_at),
        "updated_at": written(gateway.updated_at),
        "project_id": gateway.project_id,
    }


@service.get("/v2/vpc_nat_gateways")
def index(
    call: Call,
    state: str | None = None,
    region: str | None = None,
    type: str | None = None,  # noqa: A002 - the API's name
    name: str | None = None,
) -> dict[str, Any]:
    found = [
        gateway
        for gateway in models.list_gateways(call)
        if (state or gateway.state).upper() == gateway.state
        and (region or gateway.region) == gateway.region
        and (type or "PUBLIC").upper() == "PUBLIC"
        and (name or gateway.name) == gateway.name
    ]
    return call.page("vpc_nat_gateways", found, lambda gateway: view(call, gateway))


@service.post("/v2/vpc_nat_gateways", 202)
def create(call: Call, body: GatewayCreate) -> dict[str, Any]:
    reference = _only(body.vpcs)
    gateway = NatGateway(
        name=body.name,
        region=body.region,
        size=body.size,
        vpc_id=reference.vpc_uuid,
        default_gateway=reference.default_gateway,
        udp_timeout_seconds=body.udp_timeout_seconds,
        icmp_timeout_seconds=body.icmp_timeout_seconds,
        tcp_timeout_seconds=body.tcp_timeout_seconds,
        project_id=find_project(call, body.project_id or "default").id,
    )
    return {"vpc_nat_gateway": view(call, models.create_gateway(call, gateway))}


def _only(references: list[VpcReference]) -> VpcReference:
    if len(references) != 1:
        raise UnprocessableEntityError(
            f"vpcs has {len(references)} VPCs: a VPC NAT gateway of the local cloud is one VPC's"
        )
    return references[0]


@service.get("/v2/vpc_nat_gateways/{gateway_id}")
def get(call: Call, gateway_id: str) -> dict[str, Any]:
    return {"vpc_nat_gateway": view(call, call.own(NatGateway, gateway_id))}


@service.put("/v2/vpc_nat_gateways/{gateway_id}")
def update(call: Call, gateway_id: str, body: GatewayPut) -> dict[str, Any]:
    gateway = call.own(NatGateway, gateway_id)
    gateway.name, gateway.size = body.name, body.size
    gateway.udp_timeout_seconds = body.udp_timeout_seconds
    gateway.icmp_timeout_seconds = body.icmp_timeout_seconds
    gateway.tcp_timeout_seconds = body.tcp_timeout_seconds
    gateway.updated_at = now()
    if body.vpcs:
        reference = _only(body.vpcs)
        if reference.vpc_uuid != gateway.vpc_id:
            raise UnprocessableEntityError(
                f"vpcs names VPC {reference.vpc_uuid}, the gateway is in {gateway.vpc_id}: make another"
            )
        gateway.default_gateway = reference.default_gateway
        models.check_vpc(call, gateway)
        models.start_update(call, gateway)
    return {"vpc_nat_gateway": view(call, gateway)}


@service.delete("/v2/vpc_nat_gateways/{gateway_id}", 202)
def delete(call: Call, gateway_id: str) -> None:
    models.start_deletion(call, call.own(NatGateway, gateway_id))
