"""Keys to the mesh that are in a state without the droplet that was made with them.

A key lets one host in, once, within minutes. So one whose droplet was never made, because an update was
interrupted, or was deleted behind the engine's back, must not be given to another: it is expired or spent. An
update replaces it. A key whose droplet is there has done its work.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stacks.engine import Engine
from stacks.project import Project
from stacks.recovery.locks import backend_folder
from stacks.resource_types import DROPLET, TAILNET_KEY

SUFFIX = "-mesh-key"
"""Of the logical name of a host's key."""

Resources = Sequence[Mapping[str, Any]]


async def options_for(engine: Engine, project: Project, tenant: str) -> tuple[str, ...]:
    """The options that make an update replace the tenant's spent keys. Raises EngineError."""
    resources = _in_folder(project, tenant)
    if resources is None:
        exported = await engine.export(tenant) or {}
        resources = (exported.get("deployment") or {}).get("resources") or ()
    return tuple(f"--replace={urn}" for urn in spent(resources))


def spent(resources: Resources) -> Iterator[str]:
    """The URNs of keys that no droplet of the state was made with."""
    used = {
        dependency
        for resource in resources
        if resource["type"] == DROPLET
        for dependency in resource.get("dependencies") or ()
    }
    for resource in resources:
        if resource["type"] == TAILNET_KEY and not resource.get("delete") and resource["urn"] not in used:
            yield str(resource["urn"])


def _in_folder(project: Project, tenant: str) -> Resources | None:
    """The state in a file of a `file://` backend, read at no cost; None when only the engine can read it."""
    folder = backend_folder(os.environ)
    if folder is None:
        return None
    path = folder / "stacks" / project.name / f"{tenant}.json"
    if not path.exists():
        return None if path.with_suffix(".json.gz").exists() else ()
    resources: Resources = (json.loads(path.read_text())["checkpoint"].get("latest") or {}).get(
        "resources"
    ) or ()
    return resources
