"""`python -m stacks.up [tenant…]`: bring tenants up, side by side.

All specs are checked first: when one is wrong nothing is created at all. A region, size or image that
DigitalOcean lacks is found by the tenant's own update, before it creates anything. An update that changes
nothing costs the start of the engine, the program and the plugin, and no more: there is no preview before
it, no stack is selected.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from stacks import operations
from stacks.engine import Engine
from stacks.operations import Progress, Result
from stacks.project import Project
from stacks.spec import load_specs
from stacks.spec_errors import SpecError

REFUSED = 2
"""The exit code for a spec that is refused: nothing was created."""
NEEDS_RECOVERY = 75
"""The exit code when a crash has left a lock: EX_TEMPFAIL of sysexits.h, for `stacks.recover` mends it."""


def exit_code(results: Sequence[Result]) -> int:
    """One for all tenants; what can be mended by a command counts only when nothing else has failed."""
    failed = [result.outcome for result in results if not result.outcome.succeeded]
    if not failed:
        return 0
    return NEEDS_RECOVERY if all(outcome.needs_recovery for outcome in failed) else 1


def up(
    tenants: Annotated[list[str] | None, typer.Argument(help="Which tenants; all that have a spec.")] = None,
    *,
    refresh: Annotated[bool, typer.Option(help="Look first what became of what there is.")] = False,
    json: Annotated[bool, typer.Option(help="Print the results as JSON.")] = False,
) -> None:
    """Create or update the named tenants, as their specs say."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()
    chosen = tuple(dict.fromkeys(tenants or project.tenants))

    async def work() -> int:
        try:
            load_specs([project.spec_file(tenant) for tenant in chosen])
        except SpecError as error:
            console.print(f"nothing was created: {error}", markup=False, highlight=False, soft_wrap=True)
            return REFUSED
        project.sync(chosen)
        progress = Progress(console, chosen)
        options = ("--refresh",) if refresh else ()
        results = await operations.run_all(engine, "up", chosen, progress, *options)
        operations.report(results, progress, as_json=json)
        return exit_code(results)

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(up)
