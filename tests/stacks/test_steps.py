"""What a preview's events say of each resource; they are as `pulumi` 3.259.0 was seen to print them."""

import json
from typing import Any

import pytest

from stacks.steps import Outputs, Step, drift_of, step_of

URN = "urn:pulumi:acme::tenantry::digitalocean:index/droplet:Droplet::acme-guardrail-1"
KIND = "digitalocean:index/droplet:Droplet"


def line(**metadata: Any) -> str:
    whole = {"op": "update", "urn": URN, "type": KIND, "old": None, "new": None, **metadata}
    return json.dumps({"resourcePreEvent": {"metadata": whole, "planning": True}})


def test_a_step_names_the_properties_that_ask_for_it() -> None:
    found = step_of(
        line(
            op="replace",
            old={"inputs": {"size": "a", "region": "b"}},
            new={"inputs": {"size": "c", "region": "d"}},
            detailedDiff={"size": {"diffKind": "update"}, "region": {"diffKind": "update-replace"}},
        )
    )
    assert isinstance(found, Step)
    assert (found.changed, found.replacing) == (("region", "size"), ("region",))
    assert found.old["size"] == "a"


def test_a_component_s_inputs_are_compared_here_as_no_provider_does() -> None:
    found = step_of(line(old={"inputs": {"tenant": "acme", "size": "a"}}, new={"inputs": {"size": "b"}}))
    assert isinstance(found, Step)
    assert found.changed == ("size", "tenant")


def test_what_comes_as_a_whole_has_no_properties_that_differ() -> None:
    found = step_of(line(op="create", new={"inputs": {"size": "a"}}))
    assert isinstance(found, Step)
    assert found.changed == ()


def test_what_a_stack_exports_is_told_before_and_after() -> None:
    metadata = {"op": "same", "urn": URN, "type": "pulumi:pulumi:Stack"}
    ends = {"old": {"outputs": {"a": 1}}, "new": {"outputs": {"a": 2}}}
    found = step_of(json.dumps({"resOutputsEvent": {"metadata": {**metadata, **ends}}}))
    assert found == Outputs(old={"a": 1}, new={"a": 2})


@pytest.mark.parametrize("other", ["", "no JSON", "[]", '{"summaryEvent": {}}', '{"resOutputsEvent": {}}'])
def test_other_lines_are_no_steps(other: str) -> None:
    assert step_of(other) is None


def found_by_refresh(operation: str, old: Any, new: Any, kind: str = KIND) -> str:
    metadata = {"op": operation, "urn": URN, "type": kind, "old": old, "new": new, "detailedDiff": None}
    return json.dumps({"resOutputsEvent": {"metadata": metadata, "planning": True}})


def test_what_drifted_is_told_by_key() -> None:
    found = drift_of(found_by_refresh("update", {"inputs": {"tags": ["a"]}}, {"inputs": {"tags": ["b"]}}))
    assert found is not None
    assert (found.operation, found.changed) == ("update", ("tags",))


def test_what_drifted_beside_the_inputs_is_told_too() -> None:
    old, new = {"outputs": {"status": "active"}}, {"outputs": {"status": "off"}}
    found = drift_of(found_by_refresh("update", old, new))
    assert found is not None
    assert found.changed == ("status",)


def test_what_has_gone_is_told() -> None:
    found = drift_of(found_by_refresh("delete", {"inputs": {"tags": ["a"]}}, None))
    assert found is not None
    assert found.operation == "delete"


@pytest.mark.parametrize(
    "other",
    [
        found_by_refresh("same", {"inputs": {}}, {"inputs": {}}),
        found_by_refresh("refresh", {"inputs": {}}, {"inputs": {}}),
        found_by_refresh("update", {}, {}, kind="pulumi:pulumi:Stack"),
        line(op="refresh"),
        "no JSON",
        "[]",
    ],
)
def test_what_is_as_it_was_is_no_drift(other: str) -> None:
    assert drift_of(other) is None
