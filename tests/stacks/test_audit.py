"""The audit's verdicts and reports; the engine is a stand-in."""

import asyncio
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stacks.audit import Audited, as_json, as_markdown, audit_all, audited, show
from stacks.events import Message, Summary, Violation
from stacks.outcomes import Outcome, Preview

JUDGED = Summary(changes={}, seconds=0, result="succeeded", packs=("tenantry",))
URN = "urn:pulumi:acme::tenantry::digitalocean:index/droplet:Droplet::acme-guardrail-1"
BROKEN = Violation(policy="tenant-tag", text="`tags` lacks | one", urn=URN, severity="high")


def found(**changes: Any) -> Preview:
    return Preview(outcome=Outcome(**{"code": 0, "summary": JUDGED, **changes}))


class Analyzing:
    """An engine in which acme breaks a rule."""

    async def analyze(self, stack: str) -> Preview:
        return found(code=1, violations=(BROKEN,)) if stack == "acme" else found()

    async def analyze_file(self, path: Path) -> Preview:
        assert path.is_absolute(), "the engine runs in another folder"
        return found()


def test_a_state_that_keeps_every_rule_is_clean() -> None:
    assert audited("acme", found()).is_clean


def test_a_state_without_resources_is_clean() -> None:
    assert audited(
        "acme", found(summary=None, output="Stack acme has no resources; nothing to analyze.")
    ).is_clean


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"summary": None}, "were not run"),
        ({"code": 1, "errors": (Message(severity="error", text="no such pack"),)}, "no such pack"),
        ({"code": 1, "summary": None, "output": "failed to load checkpoint: EOF"}, "EOF"),
        ({"code": 255, "summary": None, "output": "no stack named 'acme' found"}, "bring it up"),
    ],
)
def test_rules_that_could_not_be_asked_are_no_clean_verdict(changes: dict[str, Any], says: str) -> None:
    verdict = audited("acme", found(**changes))
    assert not verdict.is_clean
    assert says in verdict.failure


def test_all_stacks_and_files_are_audited(tmp_path: Path) -> None:
    engine: Any = Analyzing()
    report = asyncio.run(audit_all(engine, ["acme", "globex"], [tmp_path / "state.json"]))
    assert [(Path(each.stack).name, each.is_clean) for each in report] == [
        ("acme", False),
        ("globex", True),
        ("state.json", True),
    ]


REPORT = [Audited(stack="acme", violations=(BROKEN,)), Audited(stack="globex")]


def test_the_report_for_programs_has_each_stack() -> None:
    report = json.loads(as_json(REPORT))
    assert report["globex"] == {"clean": True, "violations": [], "failure": ""}
    assert report["acme"]["violations"][0]["policy"] == "tenant-tag"


def test_the_report_for_an_issue_names_rule_and_resource() -> None:
    text = as_markdown(REPORT)
    assert "- `globex`: every rule is kept" in text
    assert "| acme | tenant-tag | acme-guardrail-1 | `tags` lacks \\| one |" in text


def test_what_an_engine_says_of_a_failure_is_no_markup() -> None:
    text = as_markdown([Audited(stack="acme", failure="boom\n\n# heading @team <b>x</b>")])
    assert "\n# heading" not in text
    assert "@team" not in text
    assert "<b>" not in text.replace("\\<b", "")


def test_the_report_for_a_person_names_rule_and_resource() -> None:
    console = Console(width=140, file=StringIO())
    show(REPORT, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "acme: 1 violation" in text
    assert "tenant-tag" in text
