"""`python -m stacks.preview --base origin/main [stack…]`: what a change would do, and may it be merged.

The stacks that the change touches are previewed as they are now, with the zero-trust rules. It writes a
comment for the pull request, the same as JSON, and a plan of each stack to approve. See docs/previews.md.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from components.naming import PLATFORM
from policies.prices import monthly
from stacks import operations
from stacks.addressing import Ledger
from stacks.engine import Engine
from stacks.errors import ProjectError, RepositoryError
from stacks.operations import Progress
from stacks.previewing.document import as_data
from stacks.previewing.exports import read_by_tenants
from stacks.previewing.markdown import comment
from stacks.previewing.previews import Previews
from stacks.previewing.report import Report, StackReport, State
from stacks.previewing.repository import Repository
from stacks.previewing.touched import LEDGER, PLATFORM_SPEC, Side, Touched, in_order, touched
from stacks.project import CLONE, Project
from stacks.side_by_side import AT_ONCE
from stacks.spec_errors import SpecError

FOLDER = CLONE / ".tenantry" / "preview"
REFUSED = 1
"""The exit code for a change that may not be merged."""
MISUSED = 2
"""The exit code for a base or a stack that isn't there."""


class InterruptibleEngine(Engine):
    """Knows that it was interrupted: what waits for its turn isn't begun then."""

    is_interrupted = False

    def interrupt(self) -> int:
        """Ask every running command to stop, and let none begin."""
        self.is_interrupted = True
        return super().interrupt()


def chosen(project: Project, found: Touched, named: Sequence[str]) -> Touched:
    """What to report on: the named stacks, or all that are touched. Raises ProjectError for an unknown."""
    if not named:
        return found
    removed = tuple(stack for stack in found.removed if stack in named)
    stacks = in_order(stack for stack in named if stack not in removed)
    for stack in stacks:
        project.spec_file(stack)
    return Touched(stacks=stacks, removed=removed)


def found_in(project: Project, repository: Repository, commit: str) -> Touched:
    """The stacks that the change since a commit touches. Raises RepositoryError."""
    before = Side.of(repository.text_at(commit, LEDGER), repository.text_at(commit, PLATFORM_SPEC))
    ledger = _text(project.clone / LEDGER) if _is_ledger(project.clone / LEDGER) else None
    after = Side.of(ledger, _text(project.specs / PLATFORM_SPEC))
    return touched(repository.changed_since(commit), project.stacks, before, after)


def _is_ledger(path: Path) -> bool:
    """One whose ranges overlap stops every stack."""
    try:
        Ledger.read(path)
    except SpecError:
        return False
    return True


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def root_of(environment: Mapping[str, str]) -> str:
    """What a link in a comment on GitHub begins with; elsewhere links are relative to the clone."""
    server, name, commit = (environment.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "SHA"))
    return f"{server}/{name}/blob/{commit}/" if server and name and commit else ""


def notes_on(reports: Sequence[StackReport]) -> tuple[str, ...]:
    """What the previews don't show by themselves."""
    notes = (read_by_tenants(report.exports) for report in reports if report.stack == PLATFORM)
    return tuple(filter(None, notes))


def forget(*written: Path) -> None:
    """What an earlier run has written: whatever becomes of this one, nobody takes it for its result."""
    for path in written:
        path.unlink(missing_ok=True)


def write(report: Report, json_file: Path, markdown_file: Path) -> None:
    """Both views of the report."""
    operations.write_files(
        (json_file, json.dumps(as_data(report), indent=2) + "\n"),
        (markdown_file, comment(report, root_of(os.environ))),
    )


def preview(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Which stacks; all that the change touches.")
    ] = None,
    *,
    base: Annotated[str, typer.Option(help="The branch that the change is meant for.")] = "origin/main",
    since: Annotated[
        str | None,
        typer.Option(help="The commit that the stacks are at, instead of where the branch left BASE."),
    ] = None,
    json_file: Annotated[Path, typer.Option("--json", help="Where the JSON goes.")] = FOLDER / "preview.json",
    markdown_file: Annotated[Path, typer.Option("--markdown", help="Where the comment goes.")] = FOLDER
    / "comment.md",
    plans: Annotated[Path, typer.Option(help="The folder for the plans.")] = FOLDER / "plans",
    at_once: Annotated[int, typer.Option(min=1, help="How many previews run side by side.")] = AT_ONCE,
) -> None:
    """Preview what the change since BASE does to every stack that it touches."""
    project = Project.of_environment()
    engine = InterruptibleEngine(project)
    console = operations.errors_console()

    async def work() -> int:
        forget(json_file, markdown_file, *plans.glob("*.json"))
        try:
            repository = Repository(project.clone)
            commit = repository.merge_base(base) if since is None else repository.commit(since)
            head = repository.head(commit)
            picked = chosen(project, found_in(project, repository, commit), stacks or ())
        except (RepositoryError, ProjectError) as error:
            console.print(f"nothing was previewed: {error}", markup=False, highlight=False, soft_wrap=True)
            return MISUSED
        progress = Progress(console, picked.stacks)
        previews = Previews(
            project,
            engine,
            plans,
            monthly,
            say=progress.line,
            is_interrupted=lambda: engine.is_interrupted,
            at_once=at_once,
        )
        gone = tuple(StackReport(stack=stack, state=State.REMOVED) for stack in picked.removed)
        found = await previews.run(picked.stacks)
        report = Report(
            base=since or base, commit=commit, head=head, stacks=(*found, *gone), notes=notes_on(found)
        )
        write(report, json_file, markdown_file)
        console.print(f"the comment is in {markdown_file}", markup=False, highlight=False, soft_wrap=True)
        return 0 if report.passed else REFUSED

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(preview)
