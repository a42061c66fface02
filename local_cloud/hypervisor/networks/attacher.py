"""How a machine or a database gets its network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from local_cloud.hypervisor.model import Interface


class Attacher(Protocol):
    """What machines and databases need of the networks."""

    def attach(
        self,
        endpoint: str,
        namespace: str,
        interfaces: Sequence[Interface],
        metadata: Mapping[str, Any] | None,
        user_data: str | None,
    ) -> Path: ...

    def detach(self, endpoint: str) -> None: ...
