"""The table that a verification ends with, and its JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from components.naming import PLATFORM
from stacks.verification.findings import Finding

WIDTH = 110
"""Letters in a line where there is no terminal to ask."""
COLUMNS = 6
"""More tenants than this share one column."""


def show(findings: Sequence[Finding], console: Console | None = None) -> None:
    """A line for each check, a column for each tenant, then every failure by itself."""
    console = console or _console()
    console.print(_table(findings))
    failures = [finding for finding in findings if not finding.passed]
    for finding in failures:
        text = f"{finding.tenant} {finding.subject}: {finding.check}: {finding.detail}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    tried = len(findings)
    console.print(f"{tried - len(failures)} of {tried} as they should be", highlight=False)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _table(findings: Sequence[Finding]) -> Table:
    column_of = _columns(findings)
    table = Table(title="Measured, and as it should be", title_justify="left")
    table.add_column("what")
    columns = list(dict.fromkeys(column_of.values()))
    for column in columns:
        table.add_column(column, justify="right")
    for check, group in grouped(findings).items():
        cells = ([each for each in group if column_of[each.tenant] == column] for column in columns)
        table.add_row(check, *(_cell(cell) for cell in cells))
    return table


def _columns(findings: Iterable[Finding]) -> dict[str, str]:
    """A tenant's column: its own, as long as they are few."""
    tenants = list(dict.fromkeys(finding.tenant for finding in findings))
    if len(tenants) <= COLUMNS:
        return {tenant: tenant for tenant in tenants}
    return {tenant: tenant if tenant == PLATFORM else "tenants" for tenant in tenants}


def _cell(findings: Sequence[Finding]) -> str:
    passed = sum(finding.passed for finding in findings)
    if passed == len(findings):
        return f"[green]{passed} of {passed}[/green]" if passed else ""
    return f"[bold red]FAILED {len(findings) - passed} of {len(findings)}[/bold red]"


def grouped(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings by check, in the order in which they came."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.check, []).append(finding)
    return groups


def as_json(findings: Sequence[Finding]) -> str:
    """Every finding, and whether all passed."""
    passed = all(finding.passed for finding in findings)
    return json.dumps({"passed": passed, "findings": [asdict(finding) for finding in findings]}, indent=2)
