"""What is asked of the mesh's coordination server: plain, immutable data, and the calls that there are.

It knows one tailnet. Names, scopes, who may do what and what Tailscale would answer are the API's business;
this only makes it real.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

from local_cloud.hypervisor.model import HypervisorError

MESH_RANGE = IPv4Network("100.64.0.0/10")
"""Where the addresses of the mesh's members are given from, as on Tailscale (RFC 6598)."""


class MeshRefusedError(HypervisorError):
    """The coordination server understood what was asked and refuses it; the message is its own reason."""


class MeshUnknownError(HypervisorError):
    """There is no key or node of that id."""


@dataclass(frozen=True, kw_only=True)
class MeshKey:
    """A key that lets machines join. The secret itself is shown once, by `create_key`."""

    id: str
    tags: tuple[str, ...]
    reusable: bool
    ephemeral: bool
    used: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewMeshKey:
    """A key as it is told to whoever asked for it, and never again."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MeshNode:
    """A member. `name` is unique in the tailnet: the host's own, with a suffix if that was taken.

    `key_id` is the key that it joined with. `expires_at` is None for a node whose key doesn't expire.
    Keys are in their printed form, `nodekey:…` and `mkey:…`.
    """

    id: str
    hostname: str
    name: str
    node_key: str
    machine_key: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    tags: tuple[str, ...]
    online: bool
    ephemeral: bool
    key_id: str | None
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime | None
    available_routes: tuple[IPv4Network | IPv6Network, ...]
    approved_routes: tuple[IPv4Network | IPv6Network, ...]


class Coordination(Protocol):
    """Methods block and may be called from several threads at once.

    Each raises MeshRefusedError, MeshUnknownError, or HypervisorError when the server can't be reached.
    """

    def set_policy(self, text: str) -> None:
        """Make this HuJSON the policy. MeshRefusedError when it isn't one that the server can enforce.

        Nodes know of it before this returns or shortly after. The file's own `tests` are not looked at.
        """

    def get_policy(self) -> str | None:
        """The policy's text as it was set; None before the first, when every member reaches every other."""

    def create_key(
        self, *, tags: Sequence[str], reusable: bool, ephemeral: bool, expires_at: datetime
    ) -> NewMeshKey: ...

    def list_keys(self) -> list[MeshKey]:
        """Keys that were made here, expired and used ones too; not those of the local cloud's own members."""

    def expire_key(self, key_id: str) -> None:
        """Nobody joins with it any more; who has joined stays."""

    def list_nodes(self) -> list[MeshNode]: ...

    def get_node(self, node_id: str) -> MeshNode: ...

    def delete_node(self, node_id: str) -> None:
        """Out of the mesh, at once."""

    def expire_node(self, node_id: str) -> None:
        """It has to log in anew; until then nobody reaches it."""

    def set_tags(self, node_id: str, tags: Sequence[str]) -> None: ...

    def rename_node(self, node_id: str, name: str) -> None: ...

    def approve_routes(self, node_id: str, routes: Sequence[IPv4Network | IPv6Network]) -> None:
        """Replace the subnets that the node may route for; others that it advertises stay unused."""
