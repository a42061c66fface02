"""A coordination server that keeps in memory what it was told, and does as headscale does."""

import itertools
import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from local_cloud.hypervisor.mesh.model import (
    MeshKey,
    MeshNode,
    MeshRefusedError,
    MeshUnknownError,
    NewMeshKey,
)
from local_cloud.hypervisor.model import HypervisorError


class RecordingCoordination:
    """`failing` names calls that find no server; `refusing` is headscale's reason against the next policy."""

    def __init__(self) -> None:
        self.policies: list[str] = []
        self.keys: dict[str, MeshKey] = {}
        self.secrets: dict[str, str] = {}
        self.nodes: dict[str, MeshNode] = {}
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.refusing: str | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def acls(self) -> list[dict[str, object]]:
        """The rules of the policy that holds."""
        found: list[dict[str, object]] = json.loads(self.policies[-1])["acls"]
        return found

    def recover(self) -> None:
        """It answers again, and refuses nothing."""
        self.failing.clear()
        self.refusing = None

    def forget(self) -> None:
        """All that it was told before, but for the policy that holds."""
        self.policies = self.policies[-1:]
        self.keys.clear()
        self.secrets.clear()
        self.calls.clear()

    def join(self, secret: str, hostname: str) -> MeshNode:
        """A machine joins with a key, as `tailscale up --auth-key` does."""
        key = self.keys[next(key_id for key_id, known in self.secrets.items() if known == secret)]
        if key.expires_at <= datetime.now(UTC) or (key.used and not key.reusable):
            raise MeshRefusedError("AuthKey expired or used")
        self.keys[key.id] = replace(key, used=True)
        number = next(self._numbers)
        node = MeshNode(
            id=str(number),
            hostname=hostname,
            name=hostname,
            node_key=f"nodekey:{secrets.token_hex(32)}",
            machine_key=f"mkey:{secrets.token_hex(32)}",
            addresses=(IPv4Address("100.64.0.0") + number,),
            tags=key.tags,
            online=True,
            ephemeral=key.ephemeral,
            key_id=key.id,
            created_at=datetime.now(UTC),
            last_seen_at=datetime.now(UTC),
            expires_at=None,
            available_routes=(),
            approved_routes=(),
        )
        self.nodes[node.id] = node
        return node

    def set_policy(self, text: str) -> None:
        self._called("set_policy")
        if self.refusing:
            raise MeshRefusedError(self.refusing)
        self.policies.append(text)

    def get_policy(self) -> str | None:
        self._called("get_policy")
        return self.policies[-1] if self.policies else None

    def create_key(
        self, *, tags: Sequence[str], reusable: bool, ephemeral: bool, expires_at: datetime
    ) -> NewMeshKey:
        self._called("create_key")
        key_id = str(next(self._numbers))
        self.secrets[key_id] = secrets.token_hex(24)
        self.keys[key_id] = MeshKey(
            id=key_id,
            tags=tuple(tags),
            reusable=reusable,
            ephemeral=ephemeral,
            used=False,
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
        return NewMeshKey(id=key_id, secret=self.secrets[key_id])

    def list_keys(self) -> list[MeshKey]:
        self._called("list_keys")
        return list(self.keys.values())

    def expire_key(self, key_id: str) -> None:
        self._called("expire_key")
        if key_id not in self.keys:
            raise MeshUnknownError(f"no key {key_id}")
        self.keys[key_id] = replace(self.keys[key_id], expires_at=datetime.now(UTC))

    def list_nodes(self) -> list[MeshNode]:
        self._called("list_nodes")
        return list(self.nodes.values())

    def get_node(self, node_id: str) -> MeshNode:
        self._called("get_node")
        return self._node(node_id)

    def delete_node(self, node_id: str) -> None:
        self._called("delete_node")
        del self.nodes[self._node(node_id).id]

    def expire_node(self, node_id: str) -> None:
        self._change(node_id, "expire_node", expires_at=datetime.now(UTC), online=False)

    def set_tags(self, node_id: str, tags: Sequence[str]) -> None:
        self._change(node_id, "set_tags", tags=tuple(tags))

    def rename_node(self, node_id: str, name: str) -> None:
        self._change(node_id, "rename_node", name=name)

    def approve_routes(self, node_id: str, routes: Sequence[IPv4Network | IPv6Network]) -> None:
        self._change(node_id, "approve_routes", approved_routes=tuple(routes))

    def _change(self, node_id: str, call: str, **changes: object) -> None:
        self._called(call)
        self.nodes[node_id] = replace(self._node(node_id), **changes)  # type: ignore[arg-type]

    def _node(self, node_id: str) -> MeshNode:
        if node_id not in self.nodes:
            raise MeshUnknownError(f"no node {node_id}")
        return self.nodes[node_id]

    def _called(self, name: str) -> None:
        with self._lock:
            self.calls.append(name)
        if name in self.failing:
            raise HypervisorError(f"{name}: the coordination server does not answer")
