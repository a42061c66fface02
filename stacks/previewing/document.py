"""A report as plain data, for programs: the same as the comment has, and as little of values."""

from typing import Any

from stacks.events import Remediated, Violation, name_of
from stacks.previewing.changes import Change
from stacks.previewing.cost import Cost
from stacks.previewing.report import Report, StackReport

VERSION = 1


def as_data(report: Report) -> dict[str, Any]:
    """What JSON is made from."""
    return {
        "version": VERSION,
        "passed": report.passed,
        "base": report.base,
        "commit": report.commit,
        "head": report.head,
        "notes": list(report.notes),
        "cost": {**_cost(report.cost), "without": list(report.not_priced)},
        "stacks": {stack.stack: _stack(stack) for stack in report.stacks},
    }


def _stack(report: StackReport) -> dict[str, Any]:
    plan = report.plan
    return {
        "state": str(report.state),
        "passed": report.passed,
        "summary": report.summary,
        "counts": report.counts,
        "changes": [change_data(change) for change in report.changes],
        "exports": list(report.exports),
        "violations": [_violation(violation) for violation in report.violations],
        "mended": [_mended(mended) for mended in report.mended],
        "cost": _cost(report.cost),
        "plan": {"path": plan.path, "sha256": plan.digest} if plan else None,
        "failure": report.failure,
    }


def change_data(change: Change) -> dict[str, Any]:
    """One change, with the keys that cause it."""
    return {
        "action": str(change.action),
        "urn": change.urn,
        "type": change.kind,
        "name": change.name,
        "forcing": list(change.forcing),
        "keys": list(change.keys),
        "loses_data": change.loses_data,
    }


def _violation(violation: Violation) -> dict[str, str]:
    return {
        "rule": violation.policy,
        "severity": violation.severity,
        "enforcement": violation.enforcement,
        "urn": violation.urn,
        "message": violation.text,
        "docs": f"docs/policies/{violation.policy}.md",
    }


def _mended(mended: Remediated) -> dict[str, str]:
    return {"rule": mended.policy, "urn": mended.urn, "name": name_of(mended.urn)}


def _cost(cost: Cost) -> dict[str, Any]:
    """Dollars a month, as texts: they are exact."""
    return {"before": str(cost.before), "after": str(cost.after), "unpriced": list(cost.unpriced)}
