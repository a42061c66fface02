"""What headscale is told and asked, through its REST API.

Its tailnet has two users: what the Tailscale API makes belongs to one, the local cloud's own members to the
other, so that their keys stay out of the tailnet's list. Rules go by tags alone, so nobody else notices.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.mesh.addresses import LOGIN_SERVER
from local_cloud.hypervisor.mesh.model import (
    MeshKey,
    MeshNode,
    MeshRefusedError,
    MeshUnknownError,
    NewMeshKey,
)
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.networks.internet import NAMESPACE

TAILNET_USER = "tailnet"
OWN_USER = "local-cloud"
SECONDS = 30.0

NOT_FOUND = ("not found", "unknown node")
"""headscale answers 500 for what isn't there; this is how its messages say so."""
PASSING = ("database is locked", "deadline exceeded", "transport:")
"""And this is how they say that it could not, and may at the next try."""


class HeadscaleCoordination:
    """`certificate` is that of the CA to trust. The key is kept in memory alone; older ones end."""

    def __init__(self, certificate: Path, api_key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{LOGIN_SERVER}/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            verify=ssl.create_default_context(cafile=str(certificate)),
            timeout=SECONDS,
        )
        try:
            self._forget_keys_but(api_key)
            self._users = self._have_users()
        except BaseException:
            self.close()
            raise

    def set_policy(self, text: str) -> None:
        self._call("PUT", "/policy", {"policy": text})

    def get_policy(self) -> str | None:
        try:
            policy: str = self._call("GET", "/policy")["policy"]
        except MeshUnknownError:
            return None
        return policy or None

    def create_key(
        self,
        *,
        tags: Sequence[str],
        reusable: bool,
        ephemeral: bool,
        expires_at: datetime,
        user: str = TAILNET_USER,
    ) -> NewMeshKey:
        body = {
            "user": self._users[user],
            "reusable": reusable,
            "ephemeral": ephemeral,
            "expiration": expires_at.astimezone(UTC).isoformat(),
            "aclTags": list(tags),
        }
        made = self._call("POST", "/preauthkey", body)["preAuthKey"]
        return NewMeshKey(id=made["id"], secret=made["key"])

    def list_keys(self) -> list[MeshKey]:
        return [_key(key) for key in self._keys()]

    def expire_key(self, key_id: str) -> None:
        for key in self._keys():
            if key["id"] == key_id:
                body = {"user": self._users[TAILNET_USER], "key": key["key"]}
                self._call("POST", "/preauthkey/expire", body)
                return
        raise MeshUnknownError(f"the mesh has no key {key_id}")

    def _keys(self) -> list[dict[str, Any]]:
        answer = self._call("GET", "/preauthkey", parameters={"user": self._users[TAILNET_USER]})
        keys: list[dict[str, Any]] = answer["preAuthKeys"]
        return keys

    def list_nodes(self, user: str | None = None) -> list[MeshNode]:
        answer = self._call("GET", "/node", parameters={"user": user} if user else {})
        return [_node(node) for node in answer["nodes"]]

    def get_node(self, node_id: str) -> MeshNode:
        return _node(self._call("GET", f"/node/{node_id}")["node"])

    def delete_node(self, node_id: str) -> None:
        self._call("DELETE", f"/node/{node_id}")

    def expire_node(self, node_id: str) -> None:
        self._call("POST", f"/node/{node_id}/expire")

    def set_tags(self, node_id: str, tags: Sequence[str]) -> None:
        self._call("POST", f"/node/{node_id}/tags", {"tags": list(tags)})

    def rename_node(self, node_id: str, name: str) -> None:
        self._call("POST", f"/node/{node_id}/rename/{name}")

    def approve_routes(self, node_id: str, routes: Sequence[IPv4Network | IPv6Network]) -> None:
        self._call("POST", f"/node/{node_id}/approve_routes", {"routes": [str(route) for route in routes]})

    def close(self) -> None:
        self._client.close()

    def _have_users(self) -> Mapping[str, str]:
        """The ids of both users, who are made when the server is new."""
        known = {user["name"]: user["id"] for user in self._call("GET", "/user")["users"]}
        for name in (TAILNET_USER, OWN_USER):
            if name not in known:
                known[name] = self._call("POST", "/user", {"name": name})["user"]["id"]
        return known

    def _forget_keys_but(self, api_key: str) -> None:
        for key in self._call("GET", "/apikey")["apiKeys"]:
            if not api_key.startswith(key["prefix"]):
                self._call("DELETE", f"/apikey/{key['prefix']}")

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            with namespaces.entered(NAMESPACE):
                response = self._client.request(method, path, json=body, params=parameters)
        except httpx.HTTPError as error:
            raise HypervisorError(f"the coordination server does not answer: {error}") from error
        if response.is_error:
            raise _refusal(response)
        return response.json()


def _refusal(response: httpx.Response) -> HypervisorError:
    try:
        message = str(response.json()["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return HypervisorError(f"the coordination server answered {response.status_code}")
    if any(sign in message for sign in NOT_FOUND):
        return MeshUnknownError(message)
    if any(sign in message for sign in PASSING):
        return HypervisorError(f"the coordination server can't now: {message}")
    return MeshRefusedError(message)


def _key(key: Mapping[str, Any]) -> MeshKey:
    return MeshKey(
        id=key["id"],
        tags=tuple(key["aclTags"]),
        reusable=key["reusable"],
        ephemeral=key["ephemeral"],
        used=key["used"],
        created_at=datetime.fromisoformat(key["createdAt"]),
        expires_at=datetime.fromisoformat(key["expiration"]),
    )


def _node(node: Mapping[str, Any]) -> MeshNode:
    key = node["preAuthKey"]
    return MeshNode(
        id=node["id"],
        hostname=node["name"],
        name=node["givenName"],
        node_key=node["nodeKey"],
        machine_key=node["machineKey"],
        addresses=tuple(map(ip_address, node["ipAddresses"])),
        tags=tuple(node["forcedTags"]),
        online=node["online"],
        ephemeral=bool(key) and key["ephemeral"],
        key_id=key["id"] if key else None,
        created_at=datetime.fromisoformat(node["createdAt"]),
        last_seen_at=_moment(node["lastSeen"]),
        expires_at=_moment(node["expiry"]),
        available_routes=tuple(map(ip_network, node["availableRoutes"])),
        approved_routes=tuple(map(ip_network, node["approvedRoutes"])),
    )


def _moment(text: str | None) -> datetime | None:
    """None for Go's zero time too, which stands for never."""
    moment = datetime.fromisoformat(text) if text else None
    return moment if moment and moment.year > 1 else None
