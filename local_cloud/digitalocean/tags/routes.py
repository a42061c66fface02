"""/v2/tags."""

from typing import Any

from pydantic import BaseModel, Field

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Tag, Tagging
from local_cloud.digitalocean.tags import models

service = Service("real")


class TagCreate(BaseModel):
    name: str


class Resource(BaseModel):
    resource_id: str | int
    resource_type: str


class Resources(BaseModel):
    resources: list[Resource] = Field(min_length=1)


def view(call: Call, tag: Tag) -> dict[str, Any]:
    found = models.taggings(call, tag)
    counts = {
        plural: _count(call, [tagging for tagging in found if tagging.resource_type == kind])
        for kind, plural in models.PLURALS.items()
    }
    return {"name": tag.name, "resources": {**_count(call, found), **counts}}


def _count(call: Call, found: list[Tagging]) -> dict[str, Any]:
    if not found:
        return {"count": 0}
    last = found[-1]
    path = f"{models.PLURALS[last.resource_type]}/{last.resource_id}"
    return {"count": len(found), "last_tagged_uri": f"{call.request.base_url}v2/{path}"}


@service.get("/v2/tags")
def index(call: Call) -> dict[str, Any]:
    return call.page("tags", models.list_tags(call), lambda tag: view(call, tag))


@service.post("/v2/tags")
def create(call: Call, body: TagCreate) -> dict[str, Any]:
    return {"tag": view(call, models.ensure_tag(call, body.name))}


@service.get("/v2/tags/{name}")
def get(call: Call, name: str) -> dict[str, Any]:
    return {"tag": view(call, models.find_tag(call, name))}


@service.delete("/v2/tags/{name}")
def delete(call: Call, name: str) -> None:
    models.delete_tag(call, models.find_tag(call, name))


@service.post("/v2/tags/{name}/resources", 204)
def tag_resources(call: Call, name: str, body: Resources) -> None:
    tag = models.find_tag(call, name)
    for resource in body.resources:
        models.check_taggable(call, resource.resource_type, str(resource.resource_id))
        models.attach_tags(call, resource.resource_type, resource.resource_id, [tag.name])
    call.cloud.sync_policies(call.session, call.account.id)


@service.delete("/v2/tags/{name}/resources")
def untag_resources(call: Call, name: str, body: Resources) -> None:
    tag = models.find_tag(call, name)
    for resource in body.resources:
        models.check_taggable(call, resource.resource_type, str(resource.resource_id))
        models.detach_tag(call, tag, resource.resource_type, str(resource.resource_id))
    call.cloud.sync_policies(call.session, call.account.id)
