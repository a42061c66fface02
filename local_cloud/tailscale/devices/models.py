"""Members: found by either of their ids, and changed in headscale, which alone keeps them."""

import re
from collections.abc import Sequence
from ipaddress import ip_network

from local_cloud.hypervisor.mesh.model import MeshNode
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    NotImplementedHereError,
)
from local_cloud.tailscale.ids import node_id
from local_cloud.tailscale.keys.tags import permit_tags
from local_cloud.tailscale.tailnet import NAME

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def find_device(call: Call, identifier: str) -> MeshNode:
    """By `nodeId` or by the older `id`. Raises NotFoundError."""
    for node in call.coordination.list_nodes():
        if identifier in {node.id, node_id(node.id, node.machine_key)}:
            return node
    raise NotFoundError("device not found")


def set_tags(call: Call, node: MeshNode, tags: Sequence[str]) -> None:
    permit_tags(call, tags)
    call.coordination.set_tags(node.id, tags)


def set_authorized(*, authorized: bool) -> None:
    """Raises NotImplementedHereError: headscale lets in for good whoever has a key."""
    if not authorized:
        raise NotImplementedHereError("way to take a device's authorization back: expire or delete it")


def set_key_expiry(node: MeshNode, *, disabled: bool) -> None:
    """Raises NotImplementedHereError for a change: headscale gives devices no key that expires by itself."""
    if disabled != (node.expires_at is None):
        raise NotImplementedHereError(
            "way to change whether a device's key expires: it does when it is expired"
        )


def set_name(call: Call, node: MeshNode, name: str) -> None:
    """A base name or a full one; an empty one gives the device its host's name again."""
    wanted = (name.removesuffix(f".{NAME}") or node.hostname).lower()
    if not LABEL.fullmatch(wanted):
        raise BadRequestError(f'name: "{name}" is no name: use letters, digits and inner hyphens, at most 63')
    if any(other.name == wanted and other.id != node.id for other in call.coordination.list_nodes()):
        raise ConflictError(f'name: "{wanted}" is another device\'s: choose another')
    call.coordination.rename_node(node.id, wanted)


def set_routes(call: Call, node: MeshNode, routes: Sequence[str]) -> MeshNode:
    try:
        networks = [ip_network(route) for route in routes]
    except ValueError as error:
        raise BadRequestError(f"routes: {error}") from error
    call.coordination.approve_routes(node.id, networks)
    return call.coordination.get_node(node.id)
