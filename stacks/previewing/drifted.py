"""What differs between the state of stacks and the cloud, as an issue's text and as data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stacks import operations
from stacks.engine import NO_STACK, NOT_THERE
from stacks.outcomes import Preview
from stacks.previewing import cutting, escaping
from stacks.previewing.changes import Action, Change, changes_of
from stacks.previewing.cutting import Section
from stacks.previewing.document import change_data

MARKER = "<!-- tenantry-drift -->"
REMEDY = "`python -m stacks.up --refresh STACK` sets it right; or write it into the spec or the program."
WORDS = {Action.DELETE: "has gone", Action.CREATE: "has appeared"}
"""What has become of a resource behind the engine's back; of others, that they were changed."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One stack: what was changed behind the engine's back. `untold` resources are known by number alone."""

    stack: str
    changes: tuple[Change, ...] = ()
    untold: int = 0
    failure: str = ""

    @property
    def is_none(self) -> bool:
        """A stack that couldn't be compared isn't known to be as it should."""
        return not (self.changes or self.untold or self.failure)

    @property
    def summary(self) -> str:
        if self.failure:
            return "could not be compared"
        count = len(self.changes) + self.untold
        return f"{count} resource{'s differ' if count > 1 else ' differs'}" if count else "as its state says"


def drift_of(stack: str, preview: Preview) -> Drift:
    """From a refresh that was only previewed."""
    outcome = preview.outcome
    if not outcome.succeeded:
        if NO_STACK in outcome.output:
            return Drift(stack=stack, failure=NOT_THERE)
        result = operations.Result(tenant=stack, outcome=outcome, seconds=0)
        return Drift(stack=stack, failure=operations.explain(result))
    changes = changes_of(preview.steps)
    return Drift(stack=stack, changes=changes, untold=max(0, outcome.changes - len(changes)))


def issue(drifts: Sequence[Drift], limit: int = cutting.LIMIT) -> str:
    """The text of an issue: keys of properties and never their values."""
    return cutting.joined(_sections(drifts), limit)


def as_data(drifts: Sequence[Drift]) -> dict[str, Any]:
    """What JSON is made from."""
    return {
        "version": 1,
        "drifted": not all(drift.is_none for drift in drifts),
        "stacks": {
            drift.stack: {
                "summary": drift.summary,
                "changes": [change_data(change) for change in drift.changes],
                "untold": drift.untold,
                "failure": drift.failure,
            }
            for drift in drifts
        },
    }


def _sections(drifts: Sequence[Drift]) -> Iterator[Section]:
    rows = tuple(f"- **{escaping.text(drift.stack)}**: {drift.summary}" for drift in drifts)
    yield Section(head=(MARKER, "## What differs from the state", ""), rows=rows)
    for drift in drifts:
        title = f"### {escaping.text(drift.stack)}"
        if drift.failure:
            yield Section(head=(title, "", escaping.block(drift.failure)))
        elif not drift.is_none:
            yield _section(title, drift)
    if not all(drift.is_none for drift in drifts):
        yield Section(head=(REMEDY,))


def _section(title: str, drift: Drift) -> Section:
    head = (title, "", "| what | resource | keys |", "| --- | --- | --- |")
    untold = f"\n{drift.untold} more, of which the engine says nothing: look with `pulumi refresh --diff`."
    return Section(
        head=head if drift.changes else (title,),
        rows=tuple(_row(change) for change in drift.changes),
        tail=(untold,) if drift.untold else (),
    )


def _row(change: Change) -> str:
    word = WORDS.get(change.action, "was changed")
    resource = f"{escaping.text(change.word)} {escaping.code(change.name)}"
    keys = escaping.keys((*change.forcing, *change.keys))
    return f"| {word} | {resource} | {keys or ('' if change.action == Action.DELETE else 'not told')} |"
