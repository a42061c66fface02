"""Devices as Tailscale shows them, as far as headscale tells."""

from datetime import UTC, datetime
from typing import Any

from local_cloud.digitalocean.clock import written
from local_cloud.hypervisor.mesh.model import MeshNode
from local_cloud.tailscale.ids import node_id
from local_cloud.tailscale.policy.model import OWNER
from local_cloud.tailscale.tailnet import NAME

NEVER = "0001-01-01T00:00:00Z"
TAGGED = "tagged-devices"
"""Whose a device is that has a tag."""


def device(node: MeshNode, *, everything: bool) -> dict[str, Any]:
    """All fields, or those that Tailscale has by default.

    headscale tells no client's version, nor how it is connected; all members of this mesh run on Linux.
    """
    shown = {
        "addresses": [str(address) for address in node.addresses],
        "id": node.id,
        "nodeId": node_id(node.id, node.machine_key),
        "user": TAGGED if node.tags else OWNER,
        "name": f"{node.name}.{NAME}",
        "hostname": node.hostname,
        "clientVersion": "",
        "updateAvailable": False,
        "os": "linux",
        "created": _moment(node.created_at),
        "connectedToControl": node.online,
        "keyExpiryDisabled": node.expires_at is None,
        "expires": _moment(node.expires_at),
        "authorized": True,
        "isExternal": False,
        "machineKey": node.machine_key,
        "nodeKey": node.node_key,
        "blocksIncomingConnections": False,
        "tailnetLockKey": "",
        "tailnetLockError": "",
        "tags": list(node.tags),
        "isEphemeral": node.ephemeral,
    }
    if not node.online and node.last_seen_at:
        shown["lastSeen"] = _moment(node.last_seen_at)
    return shown | routes(node) if everything else shown


def routes(node: MeshNode) -> dict[str, list[str]]:
    return {
        "advertisedRoutes": [str(route) for route in node.available_routes],
        "enabledRoutes": [str(route) for route in node.approved_routes],
    }


def _moment(moment: datetime | None) -> str:
    return written(moment.astimezone(UTC)) if moment else NEVER
