"""`PYTHONPATH=.:tests/policies python tests/policies/rule_table.py`: the rules, and how each is tried.

Two tables: how many examples a rule has, and which breakage of the real program it meets in the engine; then
every mutation, with all the rules that notice it.
"""

import unittest.mock

from all_breakages import BREAKAGES
from all_cases import CASES
from recorded_judgement import noticed
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from test_mutations import recorded, surroundings

from policies.rules import RULES

WIDTH = 180


def rules() -> Table:
    """Each rule, with the numbers of its examples and the breakage that the engine is given."""
    table = Table("rule", "theme", "severity", "passes", "violates", "unknown", "end to end", box=SIMPLE_HEAD)
    cases = {case.rule.name: case for case in CASES}
    broken = {each.rule: each.name for each in reversed(BREAKAGES)}
    for rule in RULES:
        case = cases[rule.name]
        counts = (str(len(examples)) for examples in (case.passes, case.violates, case.unknown))
        table.add_row(rule.name, rule.theme, rule.severity, *counts, broken[rule.name])
    return table


def mutations() -> Table:
    """Each way in which the real program is broken, and who notices."""
    table = Table("mutation", "what", "noticed by", box=SIMPLE_HEAD)
    for breakage in BREAKAGES:
        with surroundings():
            found = noticed(recorded(breakage, breakage.stack), {})
            unittest.mock.patch.stopall()
        first = sorted(found, key=lambda name: name != breakage.rule)
        table.add_row(breakage.name, breakage.what, ", ".join(first))
    return table


def main() -> None:
    """Print both."""
    console = Console(width=WIDTH)
    for made in (rules(), mutations()):
        console.print(made)


if __name__ == "__main__":
    main()
