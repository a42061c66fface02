"""The account's actions, as DigitalOcean shows them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.regions import region_view
from local_cloud.digitalocean.clock import written, written_or_none
from local_cloud.digitalocean.errors import NotFoundError
from local_cloud.digitalocean.tables import Action

NAMES = {
    "droplet.create": "create",
    "droplet.delete": "destroy",
    "volume.attach": "attach_volume",
    "volume.detach": "detach_volume",
    "volume.resize": "resize",
}


def list_actions(
    call: Call, resource_type: str | None = None, resource_id: str | None = None
) -> list[Action]:
    """Newest first."""
    query = select(Action).where(Action.account_id == call.account.id, Action.public)
    if resource_type is not None:
        query = query.where(Action.resource_type == resource_type, Action.resource_id == resource_id)
    return list(call.session.scalars(query.order_by(Action.id.desc())))


def find_action(
    call: Call, action_id: int, resource_type: str | None = None, resource_id: str | None = None
) -> Action:
    """Raises NotFoundError, also for another resource's action."""
    action = call.own(Action, action_id)
    wrong = resource_type is not None and (action.resource_type, action.resource_id) != (
        resource_type,
        resource_id,
    )
    if wrong or not action.public:
        raise NotFoundError
    return action


def pending(session: Session, resource_type: str, resource_id: object) -> bool:
    """Whether something is being done to the resource now."""
    query = select(Action.id).where(
        Action.resource_type == resource_type,
        Action.resource_id == str(resource_id),
        Action.status == "in-progress",
    )
    return session.scalar(query) is not None


def view(action: Action) -> dict[str, Any]:
    """DigitalOcean's fields, and `message` on one that errored: here its reason is known."""
    number = action.resource_id if action.resource_id.isdecimal() else None
    return {
        **({"message": action.error} if action.error else {}),
        "id": action.id,
        "status": action.status,
        "type": NAMES.get(action.kind) or action.kind.partition(".")[2],
        "started_at": written(action.started_at),
        "completed_at": written_or_none(action.completed_at),
        "resource_id": int(number) if number else None,
        "resource_type": action.resource_type if number else "backend",
        "region": region_view(action.region),
        "region_slug": action.region,
    }
