"""`python -m stacks.destroy STACK…`: take tenants away, and the platform after the last of them.

Everything of a tenant's is deleted from the account. With the platform go all tenants' places in the vault,
and their customers' keys: so it is refused while any tenant's stack has resources.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from components.naming import PLATFORM
from stacks import operations
from stacks.engine import Engine
from stacks.errors import PlatformError
from stacks.operations import Progress, Result
from stacks.project import Project


async def destroy_all(engine: Engine, stacks: Sequence[str], progress: Progress) -> list[Result]:
    """Tenants side by side, then the platform, unless a tenant is left. Raises PlatformError, EngineError."""
    tenants = [stack for stack in stacks if stack != PLATFORM]
    if PLATFORM not in stacks:
        return await operations.run_all(engine, "destroy", tenants, progress)
    _refuse_platform(await resources(engine), but=tenants)
    results = await operations.run_all(engine, "destroy", tenants, progress)
    if not all(result.outcome.succeeded for result in results):
        return results
    _refuse_platform(await resources(engine), but=())
    return results + await operations.run_all(engine, "destroy", [PLATFORM], progress)


async def resources(engine: Engine) -> dict[str, int]:
    """How many resources each stack has. Raises EngineError."""
    listed = json.loads(await engine.output("stack", "ls", "--json"))
    return {each["name"]: each.get("resourceCount") or 0 for each in listed}


def _refuse_platform(counts: Mapping[str, int], *, but: Sequence[str]) -> None:
    left = sorted(stack for stack, count in counts.items() if count and stack not in (PLATFORM, *but))
    if left:
        msg = (
            f"the stack {PLATFORM!r} is not destroyed: these stacks have resources: {', '.join(left)}; "
            f"destroy them first, or with it: `python -m stacks.destroy {' '.join(left)} {PLATFORM}`"
        )
        raise PlatformError(msg)


def destroy(
    stacks: Annotated[list[str], typer.Argument(help="Which tenants to take away, or `platform`.")],
    *,
    remove: Annotated[bool, typer.Option(help="Forget the stack too, with its history.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Delete everything of the named stacks."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()

    async def work() -> int:
        project.sync(tuple(stacks))
        progress = Progress(console, stacks)
        results = await destroy_all(engine, stacks, progress)
        operations.report(results, progress, as_json=as_json)
        gone = [result.tenant for result in results if result.outcome.succeeded]
        for stack in gone if remove else ():
            await engine.remove_stack(stack)
        return 0 if len(gone) == len(results) else 1

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(destroy)
