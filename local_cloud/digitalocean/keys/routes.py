"""/v2/account/keys."""

from typing import Any

from pydantic import BaseModel, Field

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.keys.models import add_key, find_key, list_keys
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import SshKey

service = Service("real")


class KeyCreate(BaseModel):
    name: str = Field(min_length=1)
    public_key: str


class KeyUpdate(BaseModel):
    name: str = Field(min_length=1)


def view(key: SshKey) -> dict[str, Any]:
    return {"id": key.id, "fingerprint": key.fingerprint, "public_key": key.public_key, "name": key.name}


@service.get("/v2/account/keys")
def index(call: Call) -> dict[str, Any]:
    return call.page("ssh_keys", list_keys(call), view)


@service.post("/v2/account/keys")
def create(call: Call, body: KeyCreate) -> dict[str, Any]:
    return {"ssh_key": view(add_key(call, body.name, body.public_key))}


@service.get("/v2/account/keys/{identifier}")
def get(call: Call, identifier: str) -> dict[str, Any]:
    return {"ssh_key": view(find_key(call, identifier))}


@service.put("/v2/account/keys/{identifier}")
def update(call: Call, identifier: str, body: KeyUpdate) -> dict[str, Any]:
    key = find_key(call, identifier)
    key.name = body.name
    return {"ssh_key": view(key)}


@service.delete("/v2/account/keys/{identifier}")
def delete(call: Call, identifier: str) -> None:
    call.session.delete(find_key(call, identifier))
