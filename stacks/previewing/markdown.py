"""A report as one comment on a pull request: what is wrong first, then what is lost, then the rest.

Keys of properties are shown and never their values, which may be secrets.
"""

import html
from collections.abc import Iterable, Iterator

from stacks.events import Violation, kind_of, name_of
from stacks.previewing import cutting, escaping
from stacks.previewing.changes import Action, Change
from stacks.previewing.cutting import Section
from stacks.previewing.report import Plan, Report, StackReport, rules_broken

MARKER = "<!-- tenantry-preview -->"
"""By which a workflow finds the comment that it edits."""


def comment(report: Report, root: str = "", limit: int = cutting.LIMIT) -> str:
    """The comment; `root` is what links to the repository's files begin with."""
    return cutting.joined(_sections(report, root), limit)


def _sections(report: Report, root: str) -> Iterator[Section]:
    yield Section(head=(MARKER, "", *_title(report)))
    yield from _violations(report, root)
    yield from _table_of("Data is lost", report.losing_data)
    yield from _table_of("Hosts are replaced or deleted", report.replacing_hosts)
    yield _summaries(report)
    yield from _failures(report)
    for stack in report.stacks:
        if stack.changes or stack.mended or stack.plan:
            yield _details(stack)


def _title(report: Report) -> Iterator[str]:
    yield f"## Preview: {'may be merged' if report.passed else 'may **not** be merged'}"
    failed = sum(bool(stack.failure) for stack in report.stacks)
    previews = f"{failed} preview{'s' if failed > 1 else ''} failed" if failed else ""
    broken = rules_broken(violation for _, violation in report.violations)
    if said := "; ".join(filter(None, (broken, previews))):
        yield from ("", f"{said}.")


def _violations(report: Report, root: str) -> Iterator[Section]:
    if not report.violations:
        return
    yield Section(
        head=("### Broken rules", "", *_header("severity", "stack", "rule", "resource", "what is wrong")),
        rows=tuple(_violation(stack, violation, root) for stack, violation in report.violations),
    )


def _violation(stack: str, violation: Violation, root: str) -> str:
    severity = violation.severity or "unknown"
    if not violation.is_mandatory:
        severity = f"{severity} ({violation.enforcement})"
    name = violation.policy
    rule = (
        f"[{escaping.text(name)}]({root}docs/policies/{name}.md)" if _is_word(name) else escaping.text(name)
    )
    resource = _resource(violation.urn) if violation.urn else "stack"
    cells = (escaping.text(severity), escaping.text(stack), rule, resource, escaping.text(violation.text))
    return _row(*cells)


def _is_word(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii()


def _failures(report: Report) -> Iterator[Section]:
    """One that several stacks share is told once."""
    sharing: dict[str, list[str]] = {}
    for stack in report.stacks:
        if stack.failure:
            sharing.setdefault(stack.failure, []).append(escaping.text(stack.stack))
    for failure, stacks in sharing.items():
        yield Section(head=(f"### Failed: {', '.join(stacks)}", "", escaping.block(failure)))


def _table_of(title: str, changes: Iterable[tuple[str, Change]]) -> Iterator[Section]:
    rows = tuple(_row(escaping.text(stack), *_cells(change)) for stack, change in changes)
    if rows:
        head = (f"### {title}", "", *_header("stack", "action", "resource", "because of"))
        yield Section(head=head, rows=rows)


def _summaries(report: Report) -> Section:
    rows = [f"- **{escaping.text(stack.stack)}**: {stack.summary}" for stack in report.stacks]
    if len(report.stacks) > 1 and report.cost:
        without = ", ".join(map(escaping.text, report.not_priced))
        rows.append(f"- all together: {report.cost}{f', without {without}' if without else ''}")
    rows += [f"- note: {escaping.text(note)}" for note in report.notes]
    if not report.stacks:
        rows.insert(0, "This change touches no stack.")
    since = f"since {escaping.code(report.base)} at {escaping.code(report.commit[:12])}"
    return Section(head=(f"### Stacks at {escaping.code(report.head[:12])}, {since}", ""), rows=tuple(rows))


def _details(stack: StackReport) -> Section:
    rows = [_row(*_cells(change)) for change in stack.changes]
    title = html.escape(f"{stack.stack}: {stack.summary}".replace("`", ""))
    notes = [f"- rule {_mended(rule, urn)}" for rule, urn in _mendings(stack)] + _priceless(stack)
    notes += _approval(stack.stack, stack.plan) if stack.plan else []
    tail = ["", *notes] if notes and rows else notes
    head = (
        f"<details><summary>{title}</summary>",
        "",
        *(_header("action", "resource", "because of") if rows else ()),
    )
    return Section(head=head, rows=tuple(rows), tail=(*tail, "", "</details>"))


def _mendings(stack: StackReport) -> list[tuple[str, str]]:
    return sorted({(mended.policy, mended.urn) for mended in stack.mended})


def _mended(rule: str, urn: str) -> str:
    return f"{escaping.code(rule)} sets {_resource(urn)} right by itself"


def _resource(urn: str) -> str:
    return f"{escaping.text(kind_of(urn))} {escaping.code(name_of(urn))}"


def _priceless(stack: StackReport) -> list[str]:
    if not stack.cost.unpriced:
        return []
    names = ", ".join(escaping.code(label) for label in stack.cost.unpriced[: escaping.MOST_KEYS])
    left = len(stack.cost.unpriced) - escaping.MOST_KEYS
    return [f"- price unknown: {names}{f' and {left} more' if left > 0 else ''}"]


def _approval(stack: str, plan: Plan) -> list[str]:
    name = escaping.code(plan.path)
    return [f"- to approve: {name}, SHA-256 {escaping.code(plan.digest)}, the plan of {escaping.text(stack)}"]


def _cells(change: Change) -> tuple[str, str, str]:
    action = (
        f"**{change.action}**" if change.action in (Action.DELETE, Action.REPLACE) else str(change.action)
    )
    return action, f"{escaping.text(change.word)} {escaping.code(change.name)}", _because(change)


def _because(change: Change) -> str:
    match change.action:
        case Action.CREATE | Action.IMPORT:
            return "new"
        case Action.DELETE:
            return "no longer wanted"
        case _:
            asked = escaping.keys(change.forcing) or escaping.keys(change.keys)
            also = f" (also {escaping.keys(change.keys)})" if change.forcing and change.keys else ""
            return f"{asked}{also}" if asked else "asked for, or what it depends on"


def _header(*titles: str) -> tuple[str, str]:
    return _row(*titles), _row(*("---" for _ in titles))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
