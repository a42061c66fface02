"""/tailnet/{tailnet}/keys."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from local_cloud.digitalocean.clock import written
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError, NotImplementedHereError
from local_cloud.tailscale.keys import models
from local_cloud.tailscale.service import Service
from local_cloud.tailscale.tables import Key

service = Service("real", None)

DAY = 24 * 60 * 60
LONGEST = 90 * DAY
Description = Annotated[str, Field(max_length=50, pattern=r"^[A-Za-z0-9 -]*$")]
"""Letters, digits, hyphens and spaces, as Tailscale has it."""


class _Create(BaseModel):
    reusable: bool = False
    ephemeral: bool = False
    preauthorized: bool = False
    tags: list[str] = []


class _Devices(BaseModel):
    create: _Create = _Create()


class _Capabilities(BaseModel):
    devices: _Devices


class KeyCreate(BaseModel):
    """Without a `keyType` it is an auth key; `expirySeconds` 0 is the longest, as clients of Go send it."""

    key_type: Literal["auth", "client", "federated"] = Field(default="auth", alias="keyType")
    description: Description = ""
    expiry_seconds: int = Field(default=0, ge=0, le=LONGEST, alias="expirySeconds")
    capabilities: _Capabilities | None = None
    scopes: list[str] = []
    tags: list[str] = []


class KeyUpdate(BaseModel):
    key_type: Literal["client", "federated"] = Field(default="client", alias="keyType")
    description: Description = ""
    scopes: list[str] = []
    tags: list[str] = []


def view(key: Key, *, invalid: bool, secret: str = "") -> dict[str, Any]:
    """As Tailscale shows it; what doesn't apply to the kind is left out."""
    shown: dict[str, Any] = {
        "id": key.id,
        "key": secret,
        "keyType": key.kind,
        "description": key.description,
        "created": written(key.created),
        "expires": written(key.expires) if key.expires else None,
        "expirySeconds": key.expiry_seconds,
        "revoked": written(key.revoked) if key.revoked else None,
        "invalid": invalid,
        "userId": key.user_id,
    }
    if key.kind == "auth":
        shown["capabilities"] = {"devices": {"create": _created_with(key)}}
    else:
        shown |= {"scopes": key.scopes, "tags": key.tags}
    return {name: value for name, value in shown.items() if value not in (None, "", [])}


def _created_with(key: Key) -> dict[str, Any]:
    return {
        "reusable": key.reusable,
        "ephemeral": key.ephemeral,
        "preauthorized": key.preauthorized,
        "tags": key.tags,
    }


@service.get("/tailnet/{tailnet}/keys")
def index(call: Call, *, everything: Annotated[bool, Query(alias="all")] = False) -> dict[str, Any]:
    return {"keys": [view(key, invalid=False) for key in models.list_keys(call, everything=everything)]}


@service.post("/tailnet/{tailnet}/keys")
def create(call: Call, body: KeyCreate) -> dict[str, Any]:
    if body.key_type == "federated":
        raise NotImplementedHereError("federated identities")
    if body.key_type == "client":
        key, secret = models.create_client(
            call, description=body.description, scopes=body.scopes, tags=body.tags
        )
    else:
        key, secret = _create_auth_key(call, body)
    return view(key, invalid=False, secret=secret)


def _create_auth_key(call: Call, body: KeyCreate) -> tuple[Key, str]:
    if body.capabilities is None:
        raise BadRequestError("capabilities: an auth key needs capabilities.devices, which may be empty")
    wanted = body.capabilities.devices.create
    return models.create_auth_key(
        call,
        description=body.description,
        expiry_seconds=body.expiry_seconds or LONGEST,
        tags=wanted.tags,
        reusable=wanted.reusable,
        ephemeral=wanted.ephemeral,
        preauthorized=wanted.preauthorized,
    )


@service.get("/tailnet/{tailnet}/keys/{key_id}")
def get(call: Call, key_id: str) -> dict[str, Any]:
    key = models.find_key(call, key_id)
    return view(key, invalid=models.is_invalid(key, models.used_keys(call, [key])))


@service.put("/tailnet/{tailnet}/keys/{key_id}")
def update(call: Call, key_id: str, body: KeyUpdate) -> dict[str, Any]:
    if body.key_type == "federated":
        raise NotImplementedHereError("federated identities")
    key = models.find_key(call, key_id)
    models.update_client(call, key, description=body.description, scopes=body.scopes, tags=body.tags)
    return view(key, invalid=False)


@service.delete("/tailnet/{tailnet}/keys/{key_id}")
def delete(call: Call, key_id: str) -> None:
    models.revoke_key(call, models.find_key(call, key_id))
