"""What a preview lets through, and what it doesn't."""

from typing import Any

import pytest

from stacks.events import Message, Summary, Violation
from stacks.outcomes import Collected, Outcome, Preview
from stacks.steps import Outputs, Step

JUDGED = Summary(changes={"same": 3}, seconds=1, result="succeeded", packs=("tenantry",))
BROKEN = Violation(policy="tenant-tag", text="it lacks a tag")


def preview(**changes: Any) -> Preview:
    return Preview(outcome=Outcome(**{"code": 0, "summary": JUDGED, **changes}))


def test_a_preview_passes_when_the_rules_were_run_and_are_kept() -> None:
    assert preview().passed


@pytest.mark.parametrize(
    "broken",
    [
        {"code": 1},
        {"violations": (BROKEN,)},
        {"summary": None},
        {"summary": Summary(changes={}, seconds=1, result="succeeded")},
        {"summary": Summary(changes={}, seconds=1, result="succeeded", packs=("somebody-else",))},
    ],
)
def test_a_preview_that_failed_or_was_not_judged_does_not_pass(broken: dict[str, Any]) -> None:
    found = preview(**broken)
    assert not found.passed
    assert not found.refusal.succeeded, "no rule fails open"


def test_a_preview_without_rules_says_so() -> None:
    (said,) = preview(summary=None).refusal.errors
    assert "rules were not run" in said.text


def test_an_advice_stops_nothing() -> None:
    advice = Violation(policy="x", text="perhaps", enforcement="advisory")
    assert preview(violations=(advice,)).passed


def step(operation: str) -> Step:
    return Step(urn="urn", operation=operation, kind="type")


@pytest.mark.parametrize(
    ("operations", "old", "new", "nothing"),
    [
        (["same", "read"], {"a": 1}, {"a": 1}, True),
        (["same", "update"], {}, {}, False),
        (["delete"], {}, {}, False),
        (["same"], {"agents": ["one"]}, {"agents": ["two"]}, False),
        (["same"], {"token": "[secret]"}, {"token": "[secret]"}, False),
    ],
)
def test_an_update_is_left_out_only_when_it_would_change_nothing_at_all(
    operations: list[str],
    old: dict[str, Any],
    new: dict[str, Any],
    nothing: bool,  # noqa: FBT001
) -> None:
    found = Preview(
        outcome=Outcome(code=0), steps=tuple(map(step, operations)), outputs=Outputs(old=old, new=new)
    )
    assert found.changes_nothing is nothing


def test_the_reason_of_a_failure_without_one_are_the_engine_s_last_words() -> None:
    collected = Collected()
    collected.add(Message(severity="info", text="first"))
    collected.add(Message(severity="info", text="last"))
    assert [message.text for message in collected.outcome(1, "").errors] == ["first", "last"]
    collected.add(BROKEN)
    assert not collected.outcome(1, "").errors, "a broken rule is reason enough"
