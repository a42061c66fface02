"""`python -m stacks.destroy [tenant…]`: take tenants away.

Everything of theirs is deleted from the account.
"""

import sys
from typing import Annotated

import typer

from stacks import operations
from stacks.engine import Engine
from stacks.operations import Progress
from stacks.project import Project


def destroy(
    tenants: Annotated[list[str], typer.Argument(help="Which tenants to take away.")],
    *,
    remove: Annotated[bool, typer.Option(help="Forget the stack too, with its history.")] = False,
    json: Annotated[bool, typer.Option(help="Print the results as JSON.")] = False,
) -> None:
    """Delete everything of the named tenants from the account."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()

    async def work() -> int:
        project.sync(tuple(tenants))
        progress = Progress(console, tenants)
        results = await operations.run_all(engine, "destroy", tenants, progress)
        operations.report(results, progress, as_json=json)
        gone = [result.tenant for result in results if result.outcome.succeeded]
        for tenant in gone if remove else ():
            await engine.remove_stack(tenant)
        return 0 if len(gone) == len(results) else 1

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(destroy)
