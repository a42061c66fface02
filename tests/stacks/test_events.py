import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.events import (
    Failed,
    Finished,
    Message,
    Remediated,
    Started,
    Summary,
    Violation,
    kind_of,
    name_of,
    parse,
)

URN = "urn:pulumi:acme::tenantry::tenantry:network:TenantNetwork$digitalocean:index/vpc:Vpc::acme-network-vpc"


def _resource(key: str, operation: str) -> str:
    return json.dumps({"sequence": 3, key: {"metadata": {"op": operation, "urn": URN, "type": "x"}}})


@pytest.mark.parametrize(
    ("key", "kind"),
    [("resourcePreEvent", Started), ("resOutputsEvent", Finished), ("resOpFailedEvent", Failed)],
)
def test_what_happens_to_a_resource_is_told_by_urn_and_operation(key: str, kind: type) -> None:
    event = parse(_resource(key, "create"))
    assert event == kind(urn=URN, operation="create"), "the engine's own words are kept"


def test_an_error_of_a_provider_keeps_its_resource() -> None:
    line = json.dumps({"diagnosticEvent": {"urn": URN, "message": "422 taken\n", "severity": "error"}})
    assert parse(line) == Message(severity="error", text="422 taken", urn=URN), "whose error is it?"


@pytest.mark.parametrize(
    ("last", "text"),
    [
        (
            "components.vault_client.VaultError: 'ssh' can't be created: sealed",
            "'ssh' can't be created: sealed",
        ),
        ("components.ssh.SshError: two\nlines", "two\nlines"),
    ],
)
def test_an_expected_error_of_a_dynamic_provider_comes_without_its_traceback(last: str, text: str) -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in create\n    raise E\n'
    line = json.dumps({"diagnosticEvent": {"urn": URN, "message": trace + last, "severity": "error"}})
    assert parse(line) == Message(severity="error", text=text, urn=URN), "one clear error"


@pytest.mark.parametrize("last", ["KeyError: 'path'", "pulumi.RunError: no"])
def test_the_traceback_of_an_unexpected_error_is_kept(last: str) -> None:
    trace = f'Traceback (most recent call last):\n  File "x.py", line 1\n{last}'
    line = json.dumps({"diagnosticEvent": {"urn": URN, "message": trace, "severity": "error"}})
    assert parse(line) == Message(severity="error", text=trace, urn=URN), "it is all there is to go by"


def test_debug_messages_are_nobody_s_business() -> None:
    line = json.dumps({"diagnosticEvent": {"message": "registering", "severity": "debug"}})
    assert parse(line) is None, "debug output may hold inputs"


def test_the_summary_counts_changes() -> None:
    line = json.dumps(
        {"summaryEvent": {"resourceChanges": {"create": 2, "same": 1}, "durationSeconds": 5, "result": "ok"}}
    )
    expected = Summary(changes={"create": 2, "same": 1}, seconds=5, result="ok")
    assert parse(line) == expected, "the last line of a run comes from here"


@given(st.text())
def test_any_line_is_an_event_or_nothing(line: str) -> None:
    parse(line)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_that_is_no_event_is_nothing(value: object) -> None:
    assert parse(json.dumps(value)) is None, "only objects are events"


def test_a_urn_gives_a_name_and_a_short_kind() -> None:
    assert (kind_of(URN), name_of(URN)) == ("Vpc", "acme-network-vpc"), "people don't read URNs"


def _policy_event(**changes: str) -> str:
    event = {
        "resourceUrn": URN,
        "message": "A droplet has no public interface.\nDroplet x: `publicNetworking` gives it one.\n",
        "policyName": "droplet-no-public-interface",
        "policyPackName": "tenantry",
        "enforcementLevel": "mandatory",
        "severity": "critical",
        **changes,
    }
    return json.dumps({"policyEvent": event})


def test_a_broken_rule_is_told_without_its_description() -> None:
    assert parse(_policy_event()) == Violation(
        policy="droplet-no-public-interface",
        text="Droplet x: `publicNetworking` gives it one.",
        urn=URN,
        severity="critical",
    )


@pytest.mark.parametrize("what", ["policy", "remediation"])
def test_a_rule_that_can_t_be_run_counts_as_broken(what: str) -> None:
    said = f"can't run {what} 'tenant-tag' from policy pack 'tenantry@v0.1.0' during preview: string value"
    found = parse(_policy_event(message=said, enforcementLevel="advisory"))
    assert isinstance(found, Violation)
    assert found.is_mandatory, "the engine calls it an advice"
    assert found.text == said


def test_what_a_rule_set_right_is_told() -> None:
    line = json.dumps(
        {"policyRemediationEvent": {"policyName": "tenant-tag", "resourceUrn": URN, "after": {}}}
    )
    assert parse(line) == Remediated(policy="tenant-tag", urn=URN)


def test_the_end_names_the_packs_that_judged() -> None:
    packs = {"tenantry|local|/policies/tenantry-policies": "0.1.0"}
    line = json.dumps({"summaryEvent": {"resourceChanges": {"same": 1}, "PolicyPacks": packs}})
    found = parse(line)
    assert isinstance(found, Summary)
    assert found.packs == ("tenantry",)
