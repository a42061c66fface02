"""`python -m stacks.drift [stack…]`: in what the cloud differs from the stacks' state, which stays as it is.

The exit code is 0 when nothing differs, and 1 when something does, or when a stack couldn't be compared.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stacks import operations
from stacks.engine import Engine
from stacks.errors import EngineError, ProjectError
from stacks.operations import Progress
from stacks.previewing.drifted import Drift, as_data, drift_of, issue
from stacks.project import Project
from stacks.side_by_side import side_by_side

DRIFTED = 1
MISUSED = 2
"""The exit code for a stack that isn't there."""


async def drifts(engine: Engine, stacks: Sequence[str], progress: Progress) -> tuple[Drift, ...]:
    """Of each stack; one that can't be compared doesn't stop the others."""

    async def one(stack: str) -> Drift:
        try:
            found = drift_of(stack, await engine.drift(stack))
        except EngineError as error:
            found = Drift(stack=stack, failure=str(error))
        progress.line(stack, found.summary)
        return found

    return tuple(await side_by_side(partial(one, stack) for stack in stacks))


def drift(
    stacks: Annotated[list[str] | None, typer.Argument(help="Which stacks; all that have a spec.")] = None,
    *,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where the JSON goes.")] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Where an issue's text goes.")
    ] = None,
) -> None:
    """Look in what the cloud differs from what the stacks' states say."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()
    picked = tuple(dict.fromkeys(stacks or project.stacks))

    async def work() -> int:
        try:
            project.sync(picked)
        except ProjectError as error:
            console.print(f"nothing was compared: {error}", markup=False, highlight=False, soft_wrap=True)
            return MISUSED
        found = await drifts(engine, picked, Progress(console, picked))
        text = issue(found)
        sys.stdout.write(text)
        operations.write_files(
            (json_file, json.dumps(as_data(found), indent=2) + "\n"), (markdown_file, text)
        )
        return 0 if all(each.is_none for each in found) else DRIFTED

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(drift)
