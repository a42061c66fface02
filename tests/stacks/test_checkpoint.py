from typing import Any

import pytest

from stacks.checkpoint import Checkpoint, Identity

DROPLET = "digitalocean:index/droplet:Droplet"
STACK = {
    "urn": "urn:pulumi:acme::tenantry::pulumi:pulumi:Stack::tenantry-acme",
    "type": "pulumi:pulumi:Stack",
}


def _urn(name: str) -> str:
    return f"urn:pulumi:acme::tenantry::{DROPLET}::{name}"


def _operation(name: str, kind: str = "creating") -> dict[str, Any]:
    inputs = {"name": name, "userData": {"ciphertext": "v1:x"}}
    resource = {"urn": _urn(name), "custom": True, "type": DROPLET, "inputs": inputs, "provider": "p"}
    return {"resource": resource, "type": kind}


def _checkpoint(*operations: dict[str, Any], resources: list[dict[str, Any]] | None = None) -> Checkpoint:
    deployment = {"resources": [STACK, *(resources or [])], "pending_operations": list(operations)}
    return Checkpoint({"version": 3, "deployment": deployment})


def test_a_pending_create_tells_its_physical_name() -> None:
    (pending,) = _checkpoint(_operation("a")).pending()
    assert (pending.name, pending.is_create, pending.kind) == ("a", True, DROPLET), "it is found by its name"


def test_a_completed_create_is_the_engine_s_own_record_with_an_id() -> None:
    edited = _checkpoint(_operation("a")).resolved({_urn("a"): "17"})
    added = edited.exported["deployment"]["resources"][-1]
    assert added["id"] == "17", "this is what was missing"
    assert added["inputs"]["userData"] == {"ciphertext": "v1:x"}, "what can't be read back is kept, encrypted"
    assert added["provider"] == "p", "the record is complete"
    assert not list(edited.pending()), "nothing is pending any more"


def test_a_create_that_is_not_adopted_is_forgotten() -> None:
    edited = _checkpoint(_operation("a")).resolved({})
    assert edited.urns == {STACK["urn"]}, "the next update creates it"


@pytest.mark.parametrize("kind", ["updating", "deleting"])
def test_other_operations_are_left_to_the_refresh(kind: str) -> None:
    edited = _checkpoint(_operation("a", kind)).resolved({})
    assert [pending.operation for pending in edited.pending()] == [kind], "the engine settles these itself"


def test_what_an_adopted_resource_replaces_is_marked_for_deletion() -> None:
    old = {"urn": _urn("a"), "custom": True, "type": DROPLET, "id": "16"}
    edited = _checkpoint(_operation("a"), resources=[old]).resolved({_urn("a"): "17"})
    marks = {each["id"]: each.get("delete") for each in edited.exported["deployment"]["resources"][1:]}
    assert marks == {"16": True, "17": None}, "two of one URN are allowed only when the old one is going"


def test_the_original_is_not_changed() -> None:
    checkpoint = _checkpoint(_operation("a"))
    checkpoint.resolved({_urn("a"): "17"})
    assert len(list(checkpoint.pending())) == 1, "a dry run must not edit"


def test_identities_are_those_of_real_resources() -> None:
    resource = {"urn": _urn("a"), "custom": True, "type": DROPLET, "id": "16"}
    assert _checkpoint(resources=[resource]).identities == {Identity(kind=DROPLET, id="16")}, (
        "no stack, no parent"
    )


def test_a_stack_without_a_deployment_is_empty() -> None:
    assert Checkpoint({}).is_empty, "a stack that never ran has none"
