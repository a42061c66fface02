"""`python -m stacks.up [stack…]`: bring the platform up, then tenants, side by side.

All specs are checked first: when one is wrong nothing is created at all. A region, size or image that
DigitalOcean lacks is found by the tenant's own preview, which also asks the zero-trust rules: when one is
broken nothing is created. When nothing is to be changed the preview is all, and no stack is selected.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from components.naming import PLATFORM
from stacks import mesh_keys, operations
from stacks.engine import Engine
from stacks.errors import ProjectError
from stacks.identity import operator_identity
from stacks.operations import Progress, Result
from stacks.platform_spec import load_platform_spec, refuse_unlisted
from stacks.project import Project
from stacks.spec import load_specs
from stacks.spec_errors import SpecError

REFUSED = 2
"""The exit code for a spec that is refused: nothing was created."""
NEEDS_RECOVERY = 75
"""The exit code when a crash has left a lock: EX_TEMPFAIL of sysexits.h, for `stacks.recover` mends it."""


def exit_code(results: Sequence[Result]) -> int:
    """One for all stacks; what can be mended by a command counts only when nothing else has failed."""
    failed = [result.outcome for result in results if not result.outcome.succeeded]
    if not failed:
        return 0
    return NEEDS_RECOVERY if all(outcome.needs_recovery for outcome in failed) else 1


class Up:
    """One run. Tenants wait for the platform, which they read, and need the operator's identity."""

    def __init__(
        self,
        project: Project,
        engine: Engine,
        progress: Progress,
        *,
        refresh: bool = False,
        plans: Path | None = None,
    ) -> None:
        self._project = project
        self._engine = engine
        self._progress = progress
        self._refresh = refresh
        self._plans = plans

    async def run(self, stacks: Sequence[str]) -> list[Result]:
        """A platform that fails leaves the tenants as they are. Raises StacksError.

        A plan that is missing ends it before anything is done.
        """
        if self._plans is not None:
            for stack in stacks:
                _plan_of(self._plans, stack)
        tenants = [stack for stack in stacks if stack != PLATFORM]
        results = await self._all([PLATFORM]) if PLATFORM in stacks else []
        if not tenants or exit_code(results):
            return results
        with operator_identity(tenants) as identity:
            self._engine.use(identity)
            return results + await self._all(tenants)

    async def _all(self, stacks: Sequence[str]) -> list[Result]:
        """A refresh comes before the update: it may find a droplet gone, which leaves its key spent."""
        if self._refresh:
            refreshed = await operations.run_all(self._engine, "refresh", stacks, self._progress)
            if exit_code(refreshed):
                return refreshed
        options = {stack: await self._options(stack) for stack in stacks}
        return await operations.run_all(self._engine, "up", stacks, self._progress, options)

    async def _options(self, stack: str) -> tuple[str, ...]:
        replaced = await mesh_keys.options_for(self._engine, self._project, stack)
        if self._plans is None:
            return replaced
        return (*replaced, f"{operations.PLAN}{_plan_of(self._plans, stack)}")


def _plan_of(folder: Path, stack: str) -> Path:
    """The approved plan of a stack. Raises ProjectError when there is none."""
    path = (folder / f"{stack}.json").resolve()
    if not path.is_file():
        msg = f"no approved plan for {stack!r}: {path} is missing; make it with `python -m stacks.preview`"
        raise ProjectError(msg)
    return path


def refuse_wrong_specs(project: Project, stacks: Sequence[str]) -> None:
    """Raises SpecError, ProjectError."""
    tenants = [stack for stack in stacks if stack != PLATFORM]
    load_specs([project.spec_file(tenant) for tenant in tenants])
    refuse_unlisted(load_platform_spec(project.spec_file(PLATFORM)), tenants)


def up(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Tenants, or `platform`; all that have a spec.")
    ] = None,
    *,
    refresh: Annotated[bool, typer.Option(help="Look first what became of what there is.")] = False,
    plans: Annotated[
        Path | None, typer.Option(help="Do what the approved plans here say, and nothing else.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the results as JSON.")] = False,
) -> None:
    """Create or update the named stacks, as their specs say."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()
    chosen = tuple(dict.fromkeys(stacks or project.stacks))

    async def work() -> int:
        try:
            refuse_wrong_specs(project, chosen)
        except SpecError as error:
            console.print(f"nothing was created: {error}", markup=False, highlight=False, soft_wrap=True)
            return REFUSED
        project.sync(chosen)
        progress = Progress(console, chosen)
        results = await Up(project, engine, progress, refresh=refresh, plans=plans).run(chosen)
        operations.report(results, progress, as_json=json)
        return exit_code(results)

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(up)
