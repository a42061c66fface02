"""The tailnet through Tailscale's API: what its provider has no resource for, and what verification looks at.

Settings are the provider's: TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and …_SECRET; TAILSCALE_BASE_URL,
TAILSCALE_TAILNET.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from components.errors import TenantryError

DEFAULT_URL = "https://api.tailscale.com"
SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Device:
    """A member of the mesh. `addresses` are its mesh addresses, IPv4 first; `tags` have their `tag:`."""

    id: str
    hostname: str
    addresses: tuple[str, ...]
    tags: frozenset[str]
    is_authorized: bool
    is_ephemeral: bool

    @property
    def address(self) -> str:
        return self.addresses[0]

    def __str__(self) -> str:
        return f"the device {self.hostname} ({self.id})"


@dataclass(frozen=True, kw_only=True)
class AuthKey:
    """A key that lets a device in, with these tags; the key itself can't be read back."""

    id: str
    description: str
    tags: frozenset[str]

    def __str__(self) -> str:
        return f"the key {self.description!r} ({self.id})"


class TailnetError(TenantryError):
    """Tailscale's API could not be asked, or refused; the message holds no key."""


class Tailnet:
    """One tailnet. Every method raises TailnetError."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        url = environment.get("TAILSCALE_BASE_URL", DEFAULT_URL).rstrip("/")
        self._tailnet = environment.get("TAILSCALE_TAILNET") or "-"
        self._client = httpx.Client(
            base_url=f"{url}/api/v2",
            timeout=SECONDS,
            transport=transport or httpx.HTTPTransport(retries=3),
        )
        self._client.headers["Authorization"] = f"Bearer {self._token(environment)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def devices(self) -> list[Device]:
        """Every device of the tailnet."""
        answer = self._call("GET", f"/tailnet/{self._tailnet}/devices")
        return [_device(each) for each in answer["devices"]]

    def remove_device(self, device_id: str) -> None:
        """Take a device out of the mesh; that it has gone already is well."""
        self._call("DELETE", f"/device/{device_id}", missing={})

    def auth_keys(self) -> list[AuthKey]:
        """Every key that lets devices in. The list has their ids alone: each is asked for by itself."""
        listed = self._call("GET", f"/tailnet/{self._tailnet}/keys", params={"all": "true"})["keys"]
        found = (self._call("GET", self._key(each["id"]), missing={}) for each in listed)
        return [_auth_key(body) for body in found if "devices" in body.get("capabilities", {})]

    def remove_key(self, key_id: str) -> None:
        """Revoke a key; that it has gone already is well."""
        self._call("DELETE", self._key(key_id), missing={})

    def policy(self) -> dict[str, Any]:
        """The policy file as it is now."""
        answer: dict[str, Any] = self._call("GET", f"/tailnet/{self._tailnet}/acl")
        return answer

    def failing_tests(self, tests: list[Any]) -> list[str]:
        """What the current policy does otherwise than these tests of a policy file demand."""
        answer = self._call("POST", f"/tailnet/{self._tailnet}/acl/validate", json=tests) or {}
        failures = answer.get("data") or []
        return [f"{each.get('user', '')}: {'; '.join(each.get('errors', []))}" for each in failures]

    def _key(self, key_id: str) -> str:
        return f"/tailnet/{self._tailnet}/keys/{key_id}"

    def _token(self, environment: Mapping[str, str]) -> str:
        """The API key, or what an OAuth client's secret is exchanged for, which lasts an hour."""
        if key := environment.get("TAILSCALE_API_KEY"):
            return key
        names = ("TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET")
        known = {name.removeprefix("TAILSCALE_OAUTH_").lower(): environment.get(name) for name in names}
        if not all(known.values()):
            msg = f"no TAILSCALE_API_KEY, nor {' and '.join(names)}: set them, or use `local_cloud exec`"
            raise TailnetError(msg)
        return str(self._call("POST", "/oauth/token", data=known)["access_token"])

    def _call(self, method: str, path: str, *, missing: Any = None, **options: Any) -> Any:
        try:
            response = self._client.request(method, path, headers={"Accept": "application/json"}, **options)
        except httpx.HTTPError as error:
            msg = f"Tailscale's API at {self._client.base_url} doesn't answer ({type(error).__name__})"
            raise TailnetError(f"{msg}: check TAILSCALE_BASE_URL, or try again") from error
        if response.status_code == httpx.codes.NOT_FOUND and missing is not None:
            return missing
        if response.is_error:
            raise TailnetError(f"Tailscale refused {method} {path}: {response.status_code} {_said(response)}")
        return response.json() if response.content else None


def _device(body: Mapping[str, Any]) -> Device:
    return Device(
        id=str(body.get("nodeId") or body["id"]),
        hostname=body["hostname"],
        addresses=tuple(sorted(body["addresses"], key=lambda address: ":" in address)),
        tags=frozenset(body.get("tags") or ()),
        is_authorized=bool(body.get("authorized")),
        is_ephemeral=bool(body.get("isEphemeral")),
    )


def _auth_key(body: Mapping[str, Any]) -> AuthKey:
    created_with = body["capabilities"]["devices"]["create"]
    return AuthKey(
        id=str(body["id"]),
        description=str(body.get("description", "")),
        tags=frozenset(created_with.get("tags") or ()),
    )


def _said(response: httpx.Response) -> str:
    """The API's own message. A refused token is named by its variable, never by its value."""
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return "the key is wrong, expired or revoked: set another TAILSCALE_API_KEY, or OAuth client"
    try:
        return str(response.json()["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return response.reason_phrase
