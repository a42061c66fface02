import io
import json

import pytest
from rich.console import Console

from stacks.events import Failed, Finished, Message, Started, Summary, Violation
from stacks.operations import PROGRAM_ENDED, Progress, Result, explain, report
from stacks.outcomes import Outcome
from stacks.up import NEEDS_RECOVERY, exit_code

URN = "urn:pulumi:acme::tenantry::digitalocean:index/droplet:Droplet::acme-agent-a-1"


def _result(outcome: Outcome) -> Result:
    return Result(tenant="acme", outcome=outcome, seconds=1.5)


def _progress() -> tuple[Progress, io.StringIO]:
    output = io.StringIO()
    return Progress(Console(file=output, width=200), ["acme"]), output


def test_no_changes_is_what_an_unchanged_up_says() -> None:
    summary = Summary(changes={"same": 30}, seconds=1, result="succeeded")
    assert explain(_result(Outcome(code=0, summary=summary))) == "no changes in 1.5 s (30 same)", (
        "at a glance"
    )


def test_a_failure_names_the_resource_and_repeats_the_provider() -> None:
    errors = (
        Message(severity="error", text="422 droplet limit reached", urn=URN),
        Message(severity="error", text="update failed"),
    )
    said = explain(_result(Outcome(code=1, errors=errors)))
    assert said == "Droplet acme-agent-a-1: 422 droplet limit reached", "DigitalOcean's words, and no more"


def test_a_broken_rule_names_the_resource_and_where_to_read_of_it() -> None:
    broken = Violation(policy="droplet-monitoring", text="`monitoring` is off", urn=URN, severity="medium")
    ended = Message(severity="error", text="preview failed")
    said = explain(_result(Outcome(code=1, errors=(ended,), violations=(broken,))))
    assert said == (
        "Droplet acme-agent-a-1: `monitoring` is off (medium; docs/policies/droplet-monitoring.md)"
    ), "and that the preview failed says nothing more"


def test_a_resource_that_the_provider_names_is_named_once() -> None:
    text = "digitalocean:index/droplet:Droplet acme-agent-a-1: 422 droplet limit reached"
    error = Message(severity="error", text=text, urn=URN)
    said = explain(_result(Outcome(code=1, errors=(error,))))
    assert said == "Droplet acme-agent-a-1: 422 droplet limit reached"


def test_a_script_that_failed_is_said_in_its_own_words() -> None:
    text = 'exit status 1: running "echo no key\nexit 1\n":\nno key within 120 s'
    said = explain(_result(Outcome(code=1, errors=(Message(severity="error", text=text, urn=URN),))))
    assert said == "Droplet acme-agent-a-1: no key within 120 s", "not the script"


def test_a_host_that_can_not_be_entered_is_said_with_the_way_to_replace_it() -> None:
    urn = "urn:pulumi:acme::tenantry::command:remote:Command::acme-agent-a-1-delivery"
    error = Message(severity="error", text="tenantry@100.64.0.9:22: no answer", urn=urn)
    said = explain(_result(Outcome(code=1, errors=(error,)))).splitlines()
    assert said[0] == "Command acme-agent-a-1-delivery: tenantry@100.64.0.9:22: no answer"
    assert "python -m stacks.replace" in said[1]


def test_the_reason_that_the_program_gave_stands_alone() -> None:
    ended = Message(severity="error", text=f"{PROGRAM_ENDED}: 1")
    refused = Message(severity="error", text="the spec of 'acme' is refused", urn="")
    assert explain(_result(Outcome(code=1, errors=(refused, ended)))) == refused.text
    assert explain(_result(Outcome(code=1, errors=(ended,)))) == ended.text, "when there is no other"


def test_a_lock_is_said_with_the_way_out() -> None:
    said = explain(_result(Outcome(code=255, output="the stack is currently locked by 1 lock(s)")))
    assert "python -m stacks.recover acme" in said, "the next step"


def test_an_end_without_a_word_still_says_something() -> None:
    assert explain(_result(Outcome(code=-9))) == "the engine ended with -9", "killed from outside"


def test_progress_shows_changes_and_no_unchanged_resources() -> None:
    progress, output = _progress()
    show = progress.of("acme")
    for event in (
        Started(urn=URN, operation="create"),
        Finished(urn=URN, operation="create"),
        Started(urn=URN, operation="same"),
        Finished(urn=URN, operation="same"),
        Failed(urn=URN, operation="update"),
    ):
        show(event)
    lines = output.getvalue().splitlines()
    assert len(lines) == 2, "what stays as it is needs no line"
    assert lines[0].startswith("acme  create Droplet acme-agent-a-1"), "tenant first"
    assert "FAILED to update" in lines[1], "failures stand out"


def test_markup_in_a_message_is_text() -> None:
    progress, output = _progress()
    progress.of("acme")(Message(severity="warning", text="[red]x[/red]"))
    assert "[red]x[/red]" in output.getvalue(), "a provider's brackets are its own"


def test_json_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    progress, _ = _progress()
    report([_result(Outcome(code=0))], progress, as_json=True)
    assert json.loads(capsys.readouterr().out)["acme"]["succeeded"] is True, "for programs"


LOCKED = Outcome(code=255, output="the stack is currently locked by 1 lock(s)")


def test_a_lock_that_a_crash_has_left_has_an_exit_code_of_its_own() -> None:
    assert exit_code([_result(Outcome(code=0)), _result(LOCKED)]) == NEEDS_RECOVERY, "`make up` mends that"


def test_a_failure_that_recovery_does_not_mend_comes_first() -> None:
    assert exit_code([_result(LOCKED), _result(Outcome(code=1))]) == 1, "recovering would hide it"


def test_an_up_of_which_everything_succeeded_ends_with_zero() -> None:
    assert exit_code([_result(Outcome(code=0))]) == 0
