"""Keys of the tailnet: those that devices join with, and OAuth clients."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Json
from toolchain.plugins.tailscale.kinds import TailscaleResource

LONGEST_DESCRIPTION = 50
RECREATION = ("", "always", "never")
CAPABILITIES = ("reusable", "ephemeral", "preauthorized", "tags")
OF_A_KEY = {"description": "description", "expiry": "expirySeconds", "userId": "userId"}
OF_AN_ANSWER = {"createdAt": "created", "expiresAt": "expires"}


class TailnetKey(TailscaleResource):
    """A key that devices join with. The API tells it once, so a refresh keeps the one of the state."""

    token = "tailscale:index/tailnetKey:TailnetKey"
    replacing = frozenset({*CAPABILITIES, "expiry", "description"})
    kept = frozenset({"expiry", "userId"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        reasons = described(inputs)
        chosen = inputs.get("recreateIfInvalid")
        if isinstance(chosen, str) and chosen not in RECREATION:
            reasons["recreateIfInvalid"] = f'"{chosen}" is neither "always" nor "never"'
        return reasons

    def outdated(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> str | None:
        """An invalid key is replaced if the program says so, or else if it could be used again."""
        wanted = {"always": True, "never": False}.get(
            inputs.get("recreateIfInvalid") or "", inputs.get("reusable")
        )
        return "invalid" if state.get("invalid") and wanted else None

    def create(self, inputs: Properties) -> Reading:
        capabilities = {name: inputs.get(name) or False for name in CAPABILITIES}
        body: Json = {
            "capabilities": {"devices": {"create": {**capabilities, "tags": inputs.get("tags") or []}}},
            "description": inputs.get("description") or "",
        }
        if inputs.get("expiry"):
            body["expirySeconds"] = inputs["expiry"]
        key = self.api.make(self.api.tailnet("keys"), body)
        return Reading(key["id"], {**_state(key), "key": key["key"]})

    def read(self, id: str, state: Properties) -> Reading | None:
        key = self.api.find(self.api.tailnet("keys", id))
        if key is None:
            return Reading(id, {"invalid": True}) if state else None
        if key.get("keyType", "auth") != "auth":
            raise ProviderError(f"{id} is a key of the type {key['keyType']}, which no device can join with")
        return Reading(id, {**_state(key), **_capabilities(key)})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        reading = self.read(id, state)
        return {} if reading is None else {"invalid": reading.state["invalid"]}

    def delete(self, id: str, state: Properties) -> None:
        self.api.delete(self.api.tailnet("keys", id))


class OauthClient(TailscaleResource):
    """A client that fetches tokens for itself. Its secret is told once, as its `key`."""

    token = "tailscale:index/oauthClient:OauthClient"

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        return described(inputs)

    def create(self, inputs: Properties) -> Reading:
        client = self.api.make(self.api.tailnet("keys"), _client(inputs))
        return Reading(client["id"], {**_client_state(client), "key": client["key"]})

    def read(self, id: str, state: Properties) -> Reading | None:
        client = self.api.find(self.api.tailnet("keys", id))
        if client is None:
            return None
        told: Properties = {"description": "", "scopes": [], "tags": [], **self.told(client)}
        return Reading(id, {**told, **_client_state(client), "key": state.get("key")})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        return _client_state(self.api.set(self.api.tailnet("keys", id), _client(inputs), method="PUT"))

    def delete(self, id: str, state: Properties) -> None:
        self.api.delete(self.api.tailnet("keys", id))


def described(inputs: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a description."""
    description = inputs.get("description")
    if isinstance(description, str) and len(description) > LONGEST_DESCRIPTION:
        return {"description": f"{len(description)} characters; {LONGEST_DESCRIPTION} is the most"}
    return {}


def _state(key: Json) -> Properties:
    named = {name: key[theirs] for name, theirs in {**OF_A_KEY, **OF_AN_ANSWER}.items() if theirs in key}
    return {"userId": "", **named, "invalid": bool(key.get("invalid"))}


def _capabilities(key: Json) -> Properties:
    create = key.get("capabilities", {}).get("devices", {}).get("create", {})
    return {name: create.get(name) or ([] if name == "tags" else False) for name in CAPABILITIES}


def _client(inputs: Mapping[str, Any]) -> Json:
    return {
        "keyType": "client",
        "scopes": inputs["scopes"],
        "tags": inputs.get("tags") or [],
        "description": inputs.get("description") or "",
    }


def _client_state(client: Json) -> Properties:
    return {
        "createdAt": client.get("created", ""),
        "updatedAt": client.get("updated", ""),
        "userId": client.get("userId", ""),
    }
