"""/v2/actions."""

from typing import Any

from local_cloud.digitalocean.actions.models import find_action, list_actions, view
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.service import Service

service = Service("real")


@service.get("/v2/actions")
def index(call: Call) -> dict[str, Any]:
    return call.page("actions", list_actions(call), view)


@service.get("/v2/actions/{action_id:int}")
def get(call: Call, action_id: int) -> dict[str, Any]:
    return {"action": view(find_action(call, action_id))}
