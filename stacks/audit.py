"""`python -m stacks.audit [stack…]`: ask the zero-trust rules about the state of what is running.

Off-line: neither a program nor a provider is run. So it finds what was brought up before a rule was written,
or past it; what is otherwise in the cloud than in the state is `stacks.drift`'s to find. `--file` audits an
exported state.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from stacks import operations
from stacks.engine import NO_STACK, NOT_THERE, Engine
from stacks.events import Violation, name_of
from stacks.outcomes import Preview
from stacks.previewing import escaping
from stacks.project import Project
from stacks.side_by_side import side_by_side

EMPTY = "nothing to analyze"
"""What the engine says of a state without resources."""

WIDTH = 140
"""Columns of the table where there is no terminal to fit it to."""


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What the rules say of one stack. `failure` is why they could not be asked; empty when they were."""

    stack: str
    violations: tuple[Violation, ...] = ()
    failure: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.violations and not self.failure


def audited(stack: str, found: Preview) -> Audited:
    """The engine's verdict; rules that were not run are a failure."""
    outcome = found.outcome
    if found.violations:
        return Audited(stack=stack, violations=found.violations)
    if EMPTY in outcome.output:
        return Audited(stack=stack)
    if NO_STACK in outcome.output:
        return Audited(stack=stack, failure=NOT_THERE)
    if not found.passed:
        said = found.refusal
        reasons = [message.text for message in said.errors] or [said.output]
        return Audited(stack=stack, failure="\n".join(reasons))
    return Audited(stack=stack)


async def audit_all(engine: Engine, stacks: Sequence[str], files: Sequence[Path]) -> list[Audited]:
    """Every stack and every file, a few side by side. Raises EngineError."""
    asked = {stack: partial(engine.analyze, stack) for stack in stacks}
    asked |= {str(path): partial(engine.analyze_file, path.resolve()) for path in files}
    found = await side_by_side(asked.values())
    return [audited(stack, each) for stack, each in zip(asked, found, strict=True)]


def as_json(report: Sequence[Audited]) -> str:
    """The report by stack, for programs."""
    found: dict[str, Any] = {}
    for each in report:
        content = {key: value for key, value in asdict(each).items() if key != "stack"}
        found[each.stack] = {"clean": each.is_clean, **content}
    return json.dumps(found, indent=2) + "\n"


def as_markdown(report: Sequence[Audited]) -> str:
    """The report for an issue."""
    lines = ["# Audit of the zero-trust rules", ""]
    lines += [f"- {escaping.code(each.stack)}: {escaping.text(_verdict(each))}" for each in report]
    rows = list(_rows(report))
    if rows:
        lines += ["", "| stack | rule | resource | what is wrong |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(map(escaping.text, row.values()))} |" for row in rows]
    return "\n".join(lines) + "\n"


def show(report: Sequence[Audited], console: Console) -> None:
    """The report for a person."""
    for each in report:
        console.print(f"{each.stack}: {_verdict(each)}", markup=False, highlight=False)
    rows = list(_rows(report))
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in rows[0]:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console.print(table, markup=False)


def _verdict(each: Audited) -> str:
    if each.failure:
        return f"could not be audited: {each.failure}"
    count = len(each.violations)
    return "every rule is kept" if not count else f"{count} violation{'s' if count > 1 else ''}"


def _rows(report: Iterable[Audited]) -> Iterable[Mapping[str, str]]:
    for each in report:
        for violation in each.violations:
            yield {
                "stack": each.stack,
                "rule": violation.policy,
                "resource": name_of(violation.urn),
                "what is wrong": violation.text,
            }


def audit(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Tenants, or `platform`; all that have a spec.")
    ] = None,
    *,
    file: Annotated[list[Path] | None, typer.Option(help="Audit an exported state instead.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report there as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report there as Markdown.")] = None,
) -> None:
    """Ask the rules about stacks as their state has them; exit 1 when one is broken."""
    project = Project.of_environment()
    engine = Engine(project)
    chosen = stacks or ([] if file else project.stacks)

    async def work() -> int:
        project.sync(project.stacks)
        report = await audit_all(engine, tuple(dict.fromkeys(chosen)), file or ())
        console = Console()
        if not console.is_terminal:
            console.width = WIDTH
        show(report, console)
        operations.write_files((json, as_json(report)), (markdown, as_markdown(report)))
        return 0 if all(each.is_clean for each in report) else 1

    sys.exit(operations.command(engine, work, operations.errors_console()))


if __name__ == "__main__":
    operations.start(audit)
