"""/tailnet/{tailnet}/devices and /device/{device_id}."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.devices import models, views
from local_cloud.tailscale.errors import BadRequestError
from local_cloud.tailscale.service import Service

service = Service("real", "devices:core")
route_service = Service("real", "devices:routes")

Fields = Annotated[Literal["all", "default"], Query()]


class Tags(BaseModel):
    tags: list[str] = []


class Authorized(BaseModel):
    authorized: bool


class DeviceKey(BaseModel):
    key_expiry_disabled: bool = Field(alias="keyExpiryDisabled")


class Name(BaseModel):
    name: str


class Routes(BaseModel):
    routes: list[str] = []


@service.get("/tailnet/{tailnet}/devices")
def index(call: Call, fields: Fields = "default") -> dict[str, Any]:
    """Every other parameter is a filter: what the device's field of that name has to be, or to have."""
    filters = [(name, value) for name, value in call.request.query_params.multi_items() if name != "fields"]
    nodes = call.coordination.list_nodes()
    wanted = [node for node in nodes if _fits(views.device(node, everything=True), filters)]
    return {"devices": [views.device(node, everything=fields == "all") for node in wanted]}


def _fits(device: dict[str, Any], filters: Iterable[tuple[str, str]]) -> bool:
    for name, wanted in filters:
        value = device.get(name, "")
        if name not in device and name != "lastSeen":
            raise BadRequestError(f'"{name}" is no field of a device to filter by')
        known = (
            value if isinstance(value, list) else [str(value).lower() if isinstance(value, bool) else value]
        )
        if wanted not in known:
            return False
    return True


@service.get("/device/{device_id}")
def get(call: Call, device_id: str, fields: Fields = "default") -> dict[str, Any]:
    return views.device(models.find_device(call, device_id), everything=fields == "all")


@service.delete("/device/{device_id}")
def delete(call: Call, device_id: str) -> None:
    call.coordination.delete_node(models.find_device(call, device_id).id)


@service.post("/device/{device_id}/expire")
def expire(call: Call, device_id: str) -> None:
    call.coordination.expire_node(models.find_device(call, device_id).id)


@service.post("/device/{device_id}/tags")
def set_tags(call: Call, device_id: str, body: Tags) -> None:
    models.set_tags(call, models.find_device(call, device_id), body.tags)


@service.post("/device/{device_id}/authorized")
def set_authorized(call: Call, device_id: str, body: Authorized) -> None:
    models.find_device(call, device_id)
    models.set_authorized(authorized=body.authorized)


@service.post("/device/{device_id}/key")
def set_key(call: Call, device_id: str, body: DeviceKey) -> None:
    models.set_key_expiry(models.find_device(call, device_id), disabled=body.key_expiry_disabled)


@service.post("/device/{device_id}/name")
def set_name(call: Call, device_id: str, body: Name) -> None:
    models.set_name(call, models.find_device(call, device_id), body.name)


@route_service.get("/device/{device_id}/routes")
def get_routes(call: Call, device_id: str) -> dict[str, list[str]]:
    return views.routes(models.find_device(call, device_id))


@route_service.post("/device/{device_id}/routes")
def set_routes(call: Call, device_id: str, body: Routes) -> dict[str, list[str]]:
    return views.routes(models.set_routes(call, models.find_device(call, device_id), body.routes))
