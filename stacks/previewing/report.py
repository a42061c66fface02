"""What a preview found, of each stack and of all of them, as text and JSON are made from."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from policies.rule import Severity
from stacks.events import Remediated, Violation
from stacks.previewing import escaping
from stacks.previewing.changes import WORST_FIRST, Change
from stacks.previewing.cost import NOTHING, Cost

REMOVED = "spec removed: `stacks.destroy` is a separate step"
ADVISORY = "advisory"
SEVERITIES = tuple(str(severity) for severity in reversed(Severity))
"""The worst first."""


class State(StrEnum):
    """How a stack was found: there, not there yet, or without its spec, and so not previewed."""

    THERE = "there"
    NEW = "new"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The file that an approval is bound to, and its SHA-256."""

    path: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class StackReport:
    """One stack. `failure` says why it couldn't be previewed, or that its preview failed.

    `exports` are the names of what it would export otherwise than now.
    """

    stack: str
    state: State = State.THERE
    changes: tuple[Change, ...] = ()
    violations: tuple[Violation, ...] = ()
    mended: tuple[Remediated, ...] = ()
    cost: Cost = NOTHING
    plan: Plan | None = None
    failure: str = ""
    exports: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Anything that isn't known to be mere advice stands in the way."""
        broken = any(violation.enforcement != ADVISORY for violation in self.violations)
        return not self.failure and not broken

    @property
    def counts(self) -> dict[str, int]:
        """How many resources there are of each action."""
        counted = Counter(change.action for change in self.changes)
        return {str(action): counted[action] for action in reversed(WORST_FIRST) if counted[action]}

    @property
    def summary(self) -> str:
        """One line, as Markdown: `2 to update, 1 to replace; $84.00 → $96.00 a month; 1 rule broken`."""
        if self.state == State.REMOVED:
            return REMOVED
        counted = ", ".join(f"{count} to {action}" for action, count in self.counts.items())
        parts = [
            "a new stack" if self.state == State.NEW else "",
            counted or ("" if self.failure or self.exports else "no changes"),
            f"exports changed: {escaping.keys(self.exports)}" if self.exports else "",
            str(self.cost) if self.cost else "",
            rules_broken(self.violations),
            "the preview failed" if self.failure else "",
        ]
        return "; ".join(filter(None, parts))


@dataclass(frozen=True, kw_only=True)
class Report:
    """All stacks that a change touches: from a commit, where it left `base`, to another, `head`."""

    base: str
    commit: str
    head: str
    stacks: tuple[StackReport, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the change may be merged."""
        return all(stack.passed for stack in self.stacks)

    @property
    def cost(self) -> Cost:
        return reduce(Cost.__add__, (stack.cost for stack in self.stacks), NOTHING)

    @property
    def not_priced(self) -> tuple[str, ...]:
        """Stacks whose cost isn't known, and is in no sum."""
        return tuple(stack.stack for stack in self.stacks if stack.failure)

    @property
    def violations(self) -> tuple[tuple[str, Violation], ...]:
        """Each with its stack, the worst first."""
        found = {(report.stack, violation): None for report in self.stacks for violation in report.violations}
        return tuple(sorted(found, key=_worst_first))

    @property
    def losing_data(self) -> tuple[tuple[str, Change], ...]:
        return self._changes(lambda change: change.loses_data)

    @property
    def replacing_hosts(self) -> tuple[tuple[str, Change], ...]:
        return self._changes(lambda change: change.replaces_a_host)

    def _changes(self, wanted: Callable[[Change], bool]) -> tuple[tuple[str, Change], ...]:
        return tuple(
            (report.stack, change) for report in self.stacks for change in report.changes if wanted(change)
        )


def rules_broken(violations: Iterable[Violation]) -> str:
    """How many rules, not how many resources; empty for none."""
    count = len({violation.policy for violation in violations})
    return f"{count} rule{'s' if count > 1 else ''} broken" if count else ""


def _worst_first(item: tuple[str, Violation]) -> tuple[int, str, str, str, str]:
    stack, violation = item
    severity = violation.severity
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else -1  # an unknown one isn't made light of
    return rank, violation.policy, stack, violation.urn, violation.text
