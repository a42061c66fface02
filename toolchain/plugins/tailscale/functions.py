"""The functions of the package: what the tailnet has, and how an IPv4 network behind a site is reached."""

import ipaddress
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Api, Json, path
from toolchain.plugins.tailscale.durations import seconds
from toolchain.plugins.tailscale.policy import parsed

SECONDS_BETWEEN_LOOKS = 1.0
SHORTEST_WAIT = 1.0
VIA = int(ipaddress.IPv6Address("fd7a:115c:a1e0:b1a::"))
"""Where Tailscale puts IPv4 networks behind sites (4via6)."""
LAST_SITE = 65535
TEXTS = (
    "clientVersion",
    "created",
    "expires",
    "hostname",
    "id",
    "lastSeen",
    "machineKey",
    "name",
    "nodeId",
    "nodeKey",
    "os",
    "tailnetLockError",
    "tailnetLockKey",
    "user",
)
SWITCHES = ("authorized", "blocksIncomingConnections", "isExternal", "keyExpiryDisabled", "updateAvailable")
OF_A_USER = (
    "created",
    "currentlyConnected",
    "deviceCount",
    "displayName",
    "id",
    "lastSeen",
    "loginName",
    "profilePicUrl",
    "role",
    "status",
    "tailnetId",
    "type",
)


class Functions:
    """The functions, over the API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._all: Mapping[str, Callable[[Mapping[str, Any]], Properties]] = {
            "get4Via6": via,
            "getAcl": self._acl,
            "getDevice": self._device,
            "getDevices": self._devices,
            "getUser": self._user,
            "getUsers": self._users,
        }

    @property
    def names(self) -> list[str]:
        """The functions that there are."""
        return sorted(self._all)

    def call(self, token: str, arguments: Mapping[str, Any]) -> Properties:
        """The result. Raises ProviderError: nothing found, or a function that isn't there."""
        if function := self._all.get(token.rsplit(":", 1)[-1]):
            return function({name: value for name, value in arguments.items() if value is not None})
        raise ProviderError(
            f"{token}: the stand-in for tailscale lacks this function; it has {', '.join(self.names)}"
        )

    def _device(self, arguments: Mapping[str, Any]) -> Properties:
        given = {name: arguments[name] for name in ("name", "hostname") if name in arguments}
        if len(given) != 1:
            raise ProviderError("getDevice: exactly one of name and hostname must be given")
        ((field, wanted),) = given.items()
        limit = _wait_for(arguments)
        deadline = time.monotonic() + limit
        while (device := self._find(field, wanted)) is None:
            if time.monotonic() + SECONDS_BETWEEN_LOOKS > deadline:
                within = f"failed after maximum of retries within {arguments['waitFor']}: " if limit else ""
                raise ProviderError(
                    f'Failed to fetch devices: {within}could not find device with {field}="{wanted}"'
                )
            self._api.waiter.pause(SECONDS_BETWEEN_LOOKS)
        return {**arguments, **device_state(device)}

    def _find(self, field: str, wanted: str) -> Json | None:
        found = self._api.get(self._api.tailnet("devices"), **{field: wanted}).get("devices") or []
        return next((device for device in found if device.get(field) == wanted), None)

    def _devices(self, arguments: Mapping[str, Any]) -> Properties:
        filters = {each["name"]: list(each["values"]) for each in arguments.get("filters") or ()}
        found = self._api.get(self._api.tailnet("devices"), **filters).get("devices") or []
        prefix = arguments.get("namePrefix", "")
        devices = [device_state(each) for each in found if str(each.get("name", "")).startswith(prefix)]
        return {**arguments, "id": str(uuid.uuid4()), "devices": devices}

    def _acl(self, arguments: Mapping[str, Any]) -> Properties:
        del arguments
        text = self._api.policy()
        plain = json.dumps(parsed(text), separators=(",", ":"))
        return {"id": str(uuid.uuid4()), "hujson": text, "json": plain}

    def _user(self, arguments: Mapping[str, Any]) -> Properties:
        if ("id" in arguments) == ("loginName" in arguments):
            raise ProviderError("getUser: exactly one of id and loginName must be given")
        if "id" in arguments:
            return user_state(self._api.get(path("users", arguments["id"])))
        wanted = arguments["loginName"]
        for user in self._api.get(self._api.tailnet("users")).get("users") or []:
            if user.get("loginName") == wanted:
                return user_state(user)
        raise ProviderError(f'could not find user with loginName="{wanted}"')

    def _users(self, arguments: Mapping[str, Any]) -> Properties:
        chosen = {name: str(arguments[name]) for name in ("type", "role") if arguments.get(name)}
        found = self._api.get(self._api.tailnet("users"), **chosen).get("users") or []
        return {**chosen, "id": str(uuid.uuid4()), "users": [user_state(each) for each in found]}


def device_state(device: Json) -> Properties:
    return {
        "addresses": device.get("addresses") or [],
        "tags": device.get("tags") or [],
        **{name: device.get(name) or "" for name in TEXTS},
        **{name: bool(device.get(name)) for name in SWITCHES},
    }


def user_state(user: Json) -> Properties:
    return {name: user[name] for name in OF_A_USER if name in user}


def via(arguments: Mapping[str, Any]) -> Properties:
    """The IPv6 network that leads to an IPv4 network behind a site."""
    site, cidr = int(arguments["site"]), str(arguments["cidr"])
    if not 0 <= site <= LAST_SITE:
        raise ProviderError(f"get4Via6: site {site} is not between 0 and {LAST_SITE}")
    try:
        inner = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ProviderError(f"get4Via6: cidr is no IPv4 network: {error}") from None
    address = ipaddress.IPv6Address(VIA | site << 32 | int(inner.network_address))
    mapped = f"{address}/{96 + inner.prefixlen}"
    return {"id": mapped, "ipv6": mapped, "site": site, "cidr": cidr}


def _wait_for(arguments: Mapping[str, Any]) -> float:
    if "waitFor" not in arguments:
        return 0.0
    limit = seconds(str(arguments["waitFor"]))
    if limit <= SHORTEST_WAIT:
        raise ProviderError(f"failed to parse waitFor: {arguments['waitFor']} is not more than a second")
    return limit
