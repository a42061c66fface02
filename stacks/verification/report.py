"""The table that a verification ends with, and its JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from stacks.verification.checks import Finding

WIDTH = 110
"""Columns where there is no terminal to ask."""


def show(findings: Sequence[Finding], console: Console | None = None) -> None:
    """One line for each check of each tenant, then every failure by itself."""
    console = console or Console()
    console.print(_table(findings))
    failures = [finding for finding in findings if not finding.passed]
    for finding in failures:
        text = f"{finding.tenant} {finding.subject}: {finding.check}: {finding.detail}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    tried = len(findings)
    console.print(f"{tried - len(failures)} of {tried} as they should be", highlight=False)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(title="Measured", title_justify="left")
    table.add_column("tenant")
    table.add_column("what")
    table.add_column("as it should be", justify="right")
    table.add_column("")
    for (tenant, check), group in grouped(findings).items():
        passed = sum(finding.passed for finding in group)
        mark = "[green]ok[/green]" if passed == len(group) else "[bold red]FAILED[/bold red]"
        table.add_row(tenant, check, f"{passed} of {len(group)}", mark)
    return table


def grouped(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """The findings by tenant and check, in the order in which they came."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.tenant, finding.check), []).append(finding)
    return groups


def as_json(findings: Sequence[Finding]) -> str:
    """Every finding, and whether all passed."""
    passed = all(finding.passed for finding in findings)
    return json.dumps({"passed": passed, "findings": [asdict(finding) for finding in findings]}, indent=2)
