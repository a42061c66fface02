"""What can be asked of a droplet, and when it can't."""

from typing import Any

from local_cloud.digitalocean.actions.models import pending
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.droplets import models
from local_cloud.digitalocean.droplets.errors import (
    PendingEventError,
    PoweredOffError,
    PoweredOnError,
    SmallerDiskError,
)
from local_cloud.digitalocean.droplets.views import status_of
from local_cloud.digitalocean.errors import NotImplementedHereError, UnprocessableEntityError
from local_cloud.digitalocean.tables import Action, Droplet

ABSENT = (
    "enable_backups",
    "disable_backups",
    "change_backup_policy",
    "restore",
    "password_reset",
    "change_kernel",
    "enable_ipv6",
    "snapshot",
)
NEEDS_POWER = ("reboot", "power_cycle")
SIMPLE = ("power_on", "power_off", "power_cycle", "reboot", "shutdown")
BY_TAG = ("power_on", "power_off", "power_cycle", "shutdown")


def start_action(call: Call, droplet: Droplet, kind: str, body: dict[str, Any]) -> Action:
    """Raises UnprocessableEntityError for what can't be done now, NotImplementedHereError for the absent."""
    if kind in ABSENT:
        raise NotImplementedHereError(f"Droplet action {kind}")
    params = _params(droplet, kind, body)
    if pending(call.session, "droplet", droplet.id):
        raise PendingEventError
    status = status_of(call.cloud, droplet)
    if kind in NEEDS_POWER and status == "off":
        raise PoweredOffError
    if kind == "resize" and status != "off":
        raise PoweredOnError
    return call.start(f"droplet.{kind}", ("droplet", str(droplet.id)), droplet.region, **params)


def _params(droplet: Droplet, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind in SIMPLE:
        return {}
    if kind == "rename":
        name = _text(body, "name")
        models.check_name(name)
        return {"name": name}
    if kind == "rebuild":
        return {"image": models.check_image(body.get("image") or droplet.image)}
    if kind == "resize":
        return _resize_params(droplet, body)
    raise UnprocessableEntityError(f"{kind!r} is no action type of a Droplet")


def _resize_params(droplet: Droplet, body: dict[str, Any]) -> dict[str, Any]:
    size, disk = _text(body, "size"), body.get("disk", False)
    if size not in SIZES or not SIZES[size].offered_in(droplet.region):
        raise UnprocessableEntityError(f"Size {size} is not available in this region.")
    if not isinstance(disk, bool):
        raise UnprocessableEntityError("disk must be true or false")
    if SIZES[size].disk < droplet.disk_gib:
        raise SmallerDiskError
    if size == droplet.size and not disk:
        raise UnprocessableEntityError(f"Droplet is already of size {size}.")
    return {"size": size, "disk": disk}


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise UnprocessableEntityError(f"{field} is required")
    return value
