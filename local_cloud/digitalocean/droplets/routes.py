"""/v2/droplets, but for actions."""

from typing import Any

from pydantic import BaseModel, Field, field_validator, model_validator

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.droplets import models
from local_cloud.digitalocean.droplets.views import view
from local_cloud.digitalocean.errors import BadRequestError, NotImplementedHereError
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Action
from local_cloud.digitalocean.tags.models import find_tag

service = Service("real")

LARGEST_USER_DATA = 64 * 1024
MOST_NAMES = 10


class DropletCreate(BaseModel):
    name: str | None = None
    names: list[str] | None = Field(default=None, min_length=1, max_length=MOST_NAMES)
    region: str | None = None
    size: str
    image: int | str
    ssh_keys: list[int | str] | None = None
    backups: bool = False
    ipv6: bool = False
    private_networking: bool | None = None
    vpc_uuid: str | None = None
    public_networking: bool = True
    monitoring: bool = False
    with_droplet_agent: bool | None = None
    user_data: str | None = Field(default=None, repr=False)
    tags: list[str] | None = None
    volumes: list[str] | None = None

    @model_validator(mode="after")
    def _named(self) -> "DropletCreate":
        if (self.name is None) == (self.names is None):
            raise ValueError("give name for one Droplet, or names for several")
        return self

    @field_validator("user_data")
    @classmethod
    def _small(cls, user_data: str | None) -> str | None:
        if user_data is not None and len(user_data.encode()) > LARGEST_USER_DATA:
            raise ValueError(f"has {len(user_data.encode())} bytes, and may have {LARGEST_USER_DATA}")
        return user_data

    def order(self) -> models.Order:
        """Raises NotImplementedHereError rather than make a droplet that lacks what was asked for."""
        for wanted, what in ((self.backups, "Droplet backups"), (self.ipv6, "IPv6 for Droplets")):
            if wanted:
                raise NotImplementedHereError(what)
        return models.Order(
            names=tuple(self.names or [self.name or ""]),
            region=self.region,
            size=self.size,
            image=self.image,
            ssh_keys=tuple(self.ssh_keys or ()),
            vpc_uuid=self.vpc_uuid,
            public_networking=self.public_networking,
            monitoring=self.monitoring,
            agent=bool(self.with_droplet_agent),
            user_data=self.user_data,
            tags=tuple(self.tags or ()),
            volumes=tuple(self.volumes or ()),
        )


@service.get("/v2/droplets")
def index(
    call: Call,
    tag_name: str | None = None,
    name: str | None = None,
    type: str | None = None,  # noqa: A002 - the API's name
) -> dict[str, Any]:
    if tag_name is not None and name is not None:
        raise BadRequestError("tag_name and name can't be combined")
    found = [] if type == "gpus" else models.list_droplets(call, tag_name, name)
    return call.page("droplets", found, lambda droplet: view(call, droplet))


@service.post("/v2/droplets", 202)
def create(call: Call, body: DropletCreate) -> dict[str, Any]:
    made = models.create_droplets(call, body.order())
    views = [view(call, droplet) for droplet, _ in made]
    links = {"actions": [_link(call, action) for _, action in made]}
    if body.names is None:
        return {"droplet": views[0], "links": links}
    return {"droplets": views, "links": links}


def _link(call: Call, action: Action) -> dict[str, Any]:
    return {"id": action.id, "rel": "create", "href": f"{call.request.base_url}v2/actions/{action.id}"}


@service.delete("/v2/droplets")
def delete_by_tag(call: Call, tag_name: str) -> None:
    for droplet in models.list_droplets(call, find_tag(call, tag_name).name):
        models.start_deletion(call, droplet)


@service.get("/v2/droplets/{droplet_id:int}")
def get(call: Call, droplet_id: int) -> dict[str, Any]:
    return {"droplet": view(call, models.find_droplet(call, droplet_id))}


@service.delete("/v2/droplets/{droplet_id:int}")
def delete(call: Call, droplet_id: int) -> None:
    models.start_deletion(call, models.find_droplet(call, droplet_id))


@service.get("/v2/droplets/{droplet_id:int}/kernels")
def kernels(call: Call, droplet_id: int) -> dict[str, Any]:
    return _none(call, droplet_id, "kernels")


@service.get("/v2/droplets/{droplet_id:int}/snapshots")
def snapshots(call: Call, droplet_id: int) -> dict[str, Any]:
    return _none(call, droplet_id, "snapshots")


@service.get("/v2/droplets/{droplet_id:int}/backups")
def backups(call: Call, droplet_id: int) -> dict[str, Any]:
    return _none(call, droplet_id, "backups")


def _none(call: Call, droplet_id: int, name: str) -> dict[str, Any]:
    """Truly none: the local cloud makes neither kernels nor snapshots nor backups."""
    models.find_droplet(call, droplet_id)
    return call.page(name, [], dict)
