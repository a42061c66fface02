"""Things that no state knows and the program wants, made resources by the engine's own import.

Used when a state was lost. What the provider reads back becomes the inputs; the next update changes what
differs.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stacks.engine import Engine
from stacks.errors import RecoveryError
from stacks.inventory import Thing
from stacks.recovery.plan import Import, Wanted


async def wanted_by(engine: Engine, tenant: str) -> Wanted:
    """What the program would create, by kind and physical name. Raises EngineError."""
    preview = json.loads(await engine.output("preview", "--stack", tenant, "--json"))
    wanted: Wanted = {}
    for step in preview.get("steps") or []:
        state = step.get("newState") or {}
        name = (state.get("inputs") or {}).get("name")
        if step.get("op") == "create" and state.get("custom") and isinstance(name, str):
            wanted[str(state["type"]), name] = str(step["urn"])
    return wanted


async def import_things(
    engine: Engine, tenant: str, imports: Sequence[Import], *, say: Callable[[str], None]
) -> None:
    """Import them with the components that they belong to. Raises EngineError, RecoveryError."""
    if not imports:
        return
    for each in imports:
        say(str(each))
    with tempfile.TemporaryDirectory(prefix="tenantry-import-") as folder:
        path = Path(folder) / "import.json"
        await engine.output("preview", "--stack", tenant, "--json", "--import-file", str(path))
        path.write_text(json.dumps(selected(json.loads(path.read_text()), imports)))
        options = ("--file", str(path), "--protect=false", "--generate-code=false")
        outcome = await engine.update("import", tenant, *options)
    if not outcome.succeeded:
        said = "; ".join(message.text for message in outcome.errors) or outcome.output
        msg = f"the engine can't import what {tenant!r} has: {said}"
        raise RecoveryError(msg)


def selected(template: dict[str, Any], imports: Sequence[Import]) -> dict[str, Any]:
    """The engine's import file with the ids of what there is, and without what there isn't.

    Components stay, for they are parents.
    """
    by_resource = {_key(each.urn): import_id(each.thing) for each in imports}
    kept = []
    for resource in template.get("resources") or []:
        found = by_resource.get((resource["type"], resource.get("logicalName") or resource["name"]))
        if resource.get("component"):
            kept.append(resource)
        elif found is not None:
            kept.append({**resource, "id": found})
    return {**template, "resources": kept}


def import_id(thing: Thing) -> str:
    """What DigitalOcean's provider imports a thing by: what lies in a cluster is `<cluster>,<name>`."""
    return f"{thing.cluster},{thing.name}" if thing.cluster else thing.id


def _key(urn: str) -> tuple[str, str]:
    kind, name = urn.split("::", 3)[2:]
    return kind.rsplit("$", 1)[-1], name
