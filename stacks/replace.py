"""`python -m stacks.replace HOST…`: put new hosts in the place of lost ones, and dismiss those.

For a host that is out of the mesh, has lost its identity, or isn't trusted any more. What replaces it has its
name, its data volume, and nothing else of it: a new disk, host key, certificate, place in the mesh.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from stacks import operations
from stacks.checkpoint import Checkpoint
from stacks.engine import Engine
from stacks.errors import ProjectError
from stacks.events import name_of
from stacks.identity import operator_identity
from stacks.mesh_keys import SUFFIX
from stacks.operations import Progress
from stacks.project import Project
from stacks.resource_types import TAILNET_KEY


def keys_by_host(checkpoint: Checkpoint) -> dict[str, str]:
    """The URN of each host's key: a droplet is made with it, so a new key makes a new droplet."""
    keys = (urn for urn in checkpoint.urns if f"{TAILNET_KEY}::" in urn)
    return {name_of(urn).removesuffix(SUFFIX): urn for urn in keys}


async def keys_of(engine: Engine, tenants: Iterable[str], hosts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What to replace for these hosts, by tenant. Raises ProjectError for a host that no state has."""
    found: dict[str, tuple[str, ...]] = {}
    known: set[str] = set()
    for tenant in tenants:
        keys = keys_by_host(Checkpoint(await engine.export(tenant) or {}))
        known |= keys.keys()
        if chosen := tuple(keys[host] for host in hosts if host in keys):
            found[tenant] = chosen
    if missing := [host for host in hosts if host not in known]:
        there = ", ".join(sorted(known)) or "none"
        raise ProjectError(f"no stack has a host {missing[0]!r}: choose among those there are ({there})")
    return found


def _options(keys: Iterable[str]) -> Iterator[str]:
    return (f"--replace={key}" for key in keys)


def replace(hosts: Annotated[list[str], typer.Argument(help="Which hosts, by name.")]) -> None:
    """Replace the named hosts; everything else of their tenants is brought up as usual."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()

    async def work() -> int:
        keys = await keys_of(engine, project.tenants, hosts)
        tenants = tuple(keys)
        project.sync(tenants)
        progress = Progress(console, tenants)
        options = {tenant: tuple(_options(urns)) for tenant, urns in keys.items()}
        with operator_identity(tenants) as identity:
            engine.use(identity)
            results = await operations.run_all(engine, "up", tenants, progress, options)
        operations.report(results, progress, as_json=False)
        return 0 if all(result.outcome.succeeded for result in results) else 1

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(replace)
