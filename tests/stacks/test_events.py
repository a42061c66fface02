import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.events import Failed, Finished, Message, Started, Summary, kind_of, name_of, parse

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
