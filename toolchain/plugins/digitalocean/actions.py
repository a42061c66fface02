"""Actions: what DigitalOcean does to a thing in its own time."""

from collections.abc import Callable, Iterable
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.digitalocean.api import Api, Json

ACTION_SECONDS = 3600.0
"""As long as the official provider waits for a droplet."""
BUSY_SECONDS = 300.0
BUSY = "pending event"
"""What DigitalOcean says, with a 422, while another action runs on the same droplet."""


def act(api: Api, operation: str, *arguments: Any) -> None:
    """Start an action, as soon as its object is free for it, and wait until it is done.

    Raises ProviderError with DigitalOcean's words when it ends `errored`.
    """

    def attempt() -> Json | None:
        try:
            return api.call(operation, *arguments)
        except ApiError as error:
            if error.status == 422 and BUSY in str(error):
                return None
            raise

    answer = api.waiter.until(f"{operation}, while another action runs", attempt, seconds=BUSY_SECONDS)
    if action := answer.get("action"):
        await_action(api, action)


def await_action(api: Api, action: Json) -> None:
    """Wait until an action has completed. Raises ProviderError when it ends `errored`."""

    def probe() -> bool | None:
        now = api.call("actions.get", action["id"])["action"] if action["status"] == "in-progress" else action
        check_action(now)
        return True if now["status"] == "completed" else None

    api.waiter.until(f"the action {action.get('type')} ({action['id']})", probe, seconds=ACTION_SECONDS)


def check_action(action: Json) -> None:
    """Raises ProviderError, with what DigitalOcean says, when the action has failed."""
    if action["status"] == "errored":
        said = action.get("message") or action.get("error") or "DigitalOcean gives no reason"
        raise ProviderError(
            f"the action {action.get('type')} ({action['id']}) on {action.get('resource_type')} "
            f"{action.get('resource_id')} errored: {said}"
        )


def set_tags(api: Api, kind: str, id: str, old: Iterable[str], new: Iterable[str]) -> None:
    """Make the tags of a thing (`droplet`, `volume`, `database`) the new ones."""
    body = {"resources": [{"resource_id": id, "resource_type": kind}]}
    for tag in sorted(set(old) - set(new)):
        _ignoring_gone(lambda tag=tag: api.call("tags.unassign_resources", tag, body))  # type: ignore[misc]
    for tag in sorted(set(new) - set(old)):
        api.call("tags.create", {"name": tag})
        api.call("tags.assign_resources", tag, body)


def _ignoring_gone(call: Callable[[], Json]) -> None:
    try:
        call()
    except ApiError as error:
        if error.status != 404:
            raise
