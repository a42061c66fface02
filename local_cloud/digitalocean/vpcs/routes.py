"""/v2/vpcs."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import written
from local_cloud.digitalocean.errors import UnprocessableEntityError
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Vpc
from local_cloud.digitalocean.vpcs import models

service = Service("real")

Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9.-]+$")]
Description = Annotated[str, Field(max_length=255)]
MEMBER_TYPES = ("droplet", "loadbalancer", "kubernetes", "dbaas", "nat_gateway", "app", "nfs_share")


class VpcCreate(BaseModel):
    name: Name
    region: str
    description: Description = ""
    ip_range: str | None = None


class VpcPatch(BaseModel):
    name: Name | None = None
    description: Description | None = None
    default: bool | None = None


class VpcPut(VpcPatch):
    name: Name


def view(vpc: Vpc) -> dict[str, Any]:
    return {
        "id": vpc.id,
        "urn": f"do:vpc:{vpc.id}",
        "name": vpc.name,
        "description": vpc.description,
        "region": vpc.region,
        "ip_range": vpc.ip_range,
        "created_at": written(vpc.created_at),
        "default": vpc.default,
    }


@service.get("/v2/vpcs")
def index(call: Call) -> dict[str, Any]:
    return call.page("vpcs", models.list_vpcs(call), view)


@service.post("/v2/vpcs")
def create(call: Call, body: VpcCreate) -> dict[str, Any]:
    vpc = models.create_vpc(call, body.name, body.region, body.description, body.ip_range)
    return {"vpc": view(vpc)}


@service.get("/v2/vpcs/{vpc_id}")
def get(call: Call, vpc_id: str) -> dict[str, Any]:
    return {"vpc": view(call.own(Vpc, vpc_id))}


@service.put("/v2/vpcs/{vpc_id}")
def update(call: Call, vpc_id: str, body: VpcPut) -> dict[str, Any]:
    return _change(call, vpc_id, body)


@service.patch("/v2/vpcs/{vpc_id}")
def patch(call: Call, vpc_id: str, body: VpcPatch) -> dict[str, Any]:
    return _change(call, vpc_id, body)


def _change(call: Call, vpc_id: str, body: VpcPatch) -> dict[str, Any]:
    vpc = call.own(Vpc, vpc_id)
    if body.name is not None:
        models.check_name_free(call, body.name, but=vpc.id)
        vpc.name = body.name
    if body.description is not None:
        vpc.description = body.description
    if body.default:
        models.make_default(call, vpc)
    elif body.default is False and vpc.default:
        raise UnprocessableEntityError(
            "default cannot be unset: make another VPC of the region the default one"
        )
    return {"vpc": view(vpc)}


@service.delete("/v2/vpcs/{vpc_id}")
def delete(call: Call, vpc_id: str) -> None:
    models.delete_vpc(call, call.own(Vpc, vpc_id))


@service.get("/v2/vpcs/{vpc_id}/members")
def members(call: Call, vpc_id: str, resource_type: str | None = None) -> dict[str, Any]:
    if resource_type is not None and resource_type not in MEMBER_TYPES:
        raise UnprocessableEntityError(f"resource_type must be one of {', '.join(MEMBER_TYPES)}")
    found = models.members(call, call.own(Vpc, vpc_id), resource_type)
    return call.page("members", found, _member_view)


def _member_view(member: models.Member) -> dict[str, Any]:
    return {"urn": member.urn, "name": member.name, "created_at": written(member.created_at)}
