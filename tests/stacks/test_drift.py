"""What differs between state and cloud, from a refresh that was only previewed."""

import asyncio
import io
import json
from typing import Any

import pytest
from rich.console import Console

from stacks import drift as command
from stacks.engine import NOT_THERE
from stacks.errors import EngineError
from stacks.events import Message, Summary
from stacks.operations import Progress
from stacks.outcomes import Outcome, Preview
from stacks.previewing.drifted import MARKER, Drift, as_data, drift_of, issue
from stacks.project import Project
from stacks.steps import Step

DROPLET = "digitalocean:index/droplet:Droplet"


def _step(operation: str, name: str, *changed: str) -> Step:
    urn = f"urn:pulumi:acme::tenantry::{DROPLET}::{name}"
    return Step(urn=urn, operation=operation, kind=DROPLET, changed=changed)


def _preview(*steps: Step, **changes: int) -> Preview:
    summary = Summary(changes=changes, seconds=1, result="succeeded")
    return Preview(outcome=Outcome(code=0, summary=summary), steps=steps)


RESIZED = _step("update", "acme-guardrail-1", "size")
GONE = _step("delete", "acme-agent-a-1")
DRIFTED = drift_of("acme", _preview(RESIZED, GONE, _step("refresh", "same"), update=1, delete=1, same=9))
UNTOLD = drift_of("globex", _preview(_step("refresh", "odd"), update=2, same=9))
NONE = drift_of("platform", _preview(_step("refresh", "same"), same=3))


def test_what_was_changed_and_what_has_gone_is_drift() -> None:
    assert [change.name for change in DRIFTED.changes] == ["acme-agent-a-1", "acme-guardrail-1"]
    assert (DRIFTED.untold, DRIFTED.summary) == (0, "2 resources differ")


def test_what_the_engine_only_counts_is_drift_too() -> None:
    assert (UNTOLD.untold, UNTOLD.is_none) == (2, False)


def test_a_state_that_says_what_there_is_is_none() -> None:
    assert NONE.is_none
    assert NONE.summary == "as its state says"


def test_a_stack_that_could_not_be_compared_is_not_known_to_be_as_it_should() -> None:
    failed = Outcome(code=255, errors=(Message(severity="error", text="401 unauthorized"),))
    found = drift_of("acme", Preview(outcome=failed))
    assert (found.is_none, found.failure) == (False, "401 unauthorized")


def test_a_stack_that_has_a_spec_and_is_not_there_is_not_as_it_should_be() -> None:
    found = drift_of("acme", Preview(outcome=Outcome(code=255, output="error: no stack named 'acme' found")))
    assert (found.is_none, found.failure) == (False, NOT_THERE)


def test_the_issue_has_keys_and_what_to_do() -> None:
    text = issue([NONE, DRIFTED, UNTOLD, Drift(stack="hooli", failure="401")])
    assert text.startswith(MARKER)
    assert "| has gone | Droplet `acme-agent-a-1` |  |" in text
    assert "| was changed | Droplet `acme-guardrail-1` | `size` |" in text
    assert "2 more, of which the engine says nothing" in text
    assert "stacks.up --refresh" in text
    assert "stacks.up" not in issue([NONE])


def test_json_says_whether_anything_differs() -> None:
    data = json.loads(json.dumps(as_data([NONE, DRIFTED])))
    assert data["drifted"] is True
    assert data["stacks"]["acme"]["changes"][1]["keys"] == ["size"]
    assert as_data([NONE])["drifted"] is False


class Fake:
    """An engine whose refreshes find this; a stack that isn't among it can't be asked."""

    def __init__(self, **found: Preview) -> None:
        self._found = found

    async def drift(self, stack: str) -> Preview:
        if stack not in self._found:
            raise EngineError("no engine")
        return self._found[stack]


def test_one_that_can_t_be_compared_does_not_stop_another() -> None:
    engine = Fake(acme=_preview(RESIZED, update=1))
    progress = Progress(Console(file=io.StringIO()), ["acme", "globex"])
    found = asyncio.run(command.drifts(engine, ["globex", "acme"], progress))  # type: ignore[arg-type]
    assert [each.summary for each in found] == ["could not be compared", "1 resource differs"]


@pytest.mark.parametrize(
    ("stacks", "code"), [(["platform"], 0), (["acme"], 1), (["platform", "acme"], 1), (["hooli"], 2)]
)
def test_the_exit_code_says_whether_anything_differs(
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stacks: list[str],
    code: int,
) -> None:
    for name in ("Pulumi.yaml", "Pulumi.acme.yaml", "Pulumi.platform.yaml"):
        (tmp_path / name).write_text("name: tenantry\n")
    project = Project(clone=tmp_path, specs=tmp_path, folder=tmp_path / "project")
    engine = Fake(acme=_preview(GONE, delete=1), platform=_preview(same=1))
    monkeypatch.setattr(command.Project, "of_environment", lambda: project)
    monkeypatch.setattr(command, "Engine", lambda _project: engine)
    monkeypatch.setattr(command.operations.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        command.drift(stacks, json_file=tmp_path / "out" / "drift.json", markdown_file=tmp_path / "issue.md")
    assert ended.value.code == code
    if code != 2:
        assert (tmp_path / "issue.md").read_text() == capsys.readouterr().out
        assert json.loads((tmp_path / "out" / "drift.json").read_text())["drifted"] is bool(code)
