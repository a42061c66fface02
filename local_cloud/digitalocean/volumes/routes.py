"""/v2/volumes."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from local_cloud.digitalocean.actions.models import find_action, list_actions
from local_cloud.digitalocean.actions.models import view as action_view
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.regions import region_view
from local_cloud.digitalocean.clock import written
from local_cloud.digitalocean.errors import NotFoundError, NotImplementedHereError, UnprocessableEntityError
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Action, Volume
from local_cloud.digitalocean.tags.models import tags_of
from local_cloud.digitalocean.volumes import models

service = Service("real")


class VolumeCreate(BaseModel):
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    size_gigabytes: int = Field(ge=1, le=models.LARGEST_GIB)
    region: str
    description: str = ""
    snapshot_id: str | None = None
    filesystem_type: Literal["", "ext4", "xfs"] = ""
    filesystem_label: str = Field(default="", max_length=16)
    tags: list[str] | None = None


class VolumeAction(BaseModel):
    type: Literal["attach", "detach", "resize"]
    droplet_id: int | None = None
    region: str | None = None
    size_gigabytes: int | None = Field(default=None, ge=1, le=models.LARGEST_GIB)


class NamedVolumeAction(VolumeAction):
    volume_name: str


def view(call: Call, volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id,
        "region": region_view(volume.region),
        "droplet_ids": [] if volume.droplet_id is None else [volume.droplet_id],
        "name": volume.name,
        "description": volume.description,
        "size_gigabytes": volume.size_gib,
        "created_at": written(volume.created_at),
        "filesystem_type": volume.filesystem_type,
        "filesystem_label": volume.filesystem_label,
        "tags": tags_of(call, "volume", volume.id),
    }


@service.get("/v2/volumes")
def index(call: Call, name: str | None = None, region: str | None = None) -> dict[str, Any]:
    found = models.list_volumes(call, name, region)
    return call.page("volumes", found, lambda volume: view(call, volume))


@service.post("/v2/volumes")
def create(call: Call, body: VolumeCreate) -> dict[str, Any]:
    if body.snapshot_id:
        raise NotImplementedHereError("volume snapshots")
    volume = Volume(
        name=body.name,
        region=body.region,
        size_gib=body.size_gigabytes,
        description=body.description,
        filesystem_type=body.filesystem_type,
        filesystem_label=body.filesystem_label,
    )
    models.create_volume(call, volume, body.tags or [])
    return {"volume": view(call, volume)}


@service.delete("/v2/volumes")
def delete_by_name(call: Call, name: str, region: str) -> None:
    models.delete_volume(call, _named(call, name, region))


@service.get("/v2/volumes/{volume_id}")
def get(call: Call, volume_id: str) -> dict[str, Any]:
    return {"volume": view(call, call.own(Volume, volume_id))}


@service.delete("/v2/volumes/{volume_id}")
def delete(call: Call, volume_id: str) -> None:
    models.delete_volume(call, call.own(Volume, volume_id))


@service.post("/v2/volumes/actions", 202)
def act_by_name(call: Call, body: NamedVolumeAction) -> dict[str, Any]:
    return _act(call, _named(call, body.volume_name, body.region), body)


@service.post("/v2/volumes/{volume_id}/actions", 202)
def act(call: Call, volume_id: str, body: VolumeAction) -> dict[str, Any]:
    return _act(call, call.own(Volume, volume_id), body)


@service.get("/v2/volumes/{volume_id}/actions")
def list_of_volume(call: Call, volume_id: str) -> dict[str, Any]:
    volume = call.own(Volume, volume_id)
    return call.page("actions", list_actions(call, "volume", volume.id), action_view)


@service.get("/v2/volumes/{volume_id}/actions/{action_id:int}")
def get_action(call: Call, volume_id: str, action_id: int) -> dict[str, Any]:
    return {"action": action_view(find_action(call, action_id, "volume", volume_id))}


def _named(call: Call, name: str, region: str | None) -> Volume:
    found = models.list_volumes(call, name, region)
    if len(found) != 1:
        raise NotFoundError
    return found[0]


def _act(call: Call, volume: Volume, body: VolumeAction) -> dict[str, Any]:
    return {"action": action_view(_start(call, volume, body))}


def _start(call: Call, volume: Volume, body: VolumeAction) -> Action:
    if body.type == "resize":
        if body.size_gigabytes is None:
            raise UnprocessableEntityError("size_gigabytes is required")
        return models.start_resize(call, volume, body.size_gigabytes)
    if body.type == "detach":
        return models.start_detach(call, volume, body.droplet_id)
    if body.droplet_id is None:
        raise UnprocessableEntityError("droplet_id is required")
    return models.start_attach(call, volume, body.droplet_id)
