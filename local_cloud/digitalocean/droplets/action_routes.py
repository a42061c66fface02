"""/v2/droplets/…/actions."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from local_cloud.digitalocean.actions.models import find_action, list_actions
from local_cloud.digitalocean.actions.models import view as action_view
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.droplets import models
from local_cloud.digitalocean.droplets.actions import ABSENT, BY_TAG, start_action
from local_cloud.digitalocean.errors import NotImplementedHereError, UnprocessableEntityError
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tags.models import find_tag

service = Service("real")


class ActionCreate(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str


@service.post("/v2/droplets/actions")
def act_by_tag(call: Call, tag_name: str, body: ActionCreate) -> dict[str, Any]:
    if body.type in ABSENT:
        raise NotImplementedHereError(f"Droplet action {body.type}")
    if body.type not in BY_TAG:
        raise UnprocessableEntityError(f"{body.type!r} is no action by tag: use {', '.join(BY_TAG)}")
    tagged = models.list_droplets(call, find_tag(call, tag_name).name)
    actions = [start_action(call, droplet, body.type, {}) for droplet in tagged]
    return {"actions": [action_view(action) for action in actions]}


@service.get("/v2/droplets/{droplet_id:int}/actions")
def index(call: Call, droplet_id: int) -> dict[str, Any]:
    models.find_droplet(call, droplet_id)
    return call.page("actions", list_actions(call, "droplet", str(droplet_id)), action_view)


@service.post("/v2/droplets/{droplet_id:int}/actions")
def act(call: Call, droplet_id: int, body: ActionCreate) -> dict[str, Any]:
    droplet = models.find_droplet(call, droplet_id)
    return {"action": action_view(start_action(call, droplet, body.type, body.model_extra or {}))}


@service.get("/v2/droplets/{droplet_id:int}/actions/{action_id:int}")
def get(call: Call, droplet_id: int, action_id: int) -> dict[str, Any]:
    return {"action": action_view(find_action(call, action_id, "droplet", str(droplet_id)))}
