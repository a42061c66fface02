"""What becomes of resources, and what it costs, from the engine's steps."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from stacks.previewing.changes import Action, Change, changes_of
from stacks.previewing.cost import Cost, cost_of
from stacks.steps import Step

DROPLET = "digitalocean:index/droplet:Droplet"
CLUSTER = "digitalocean:index/databaseCluster:DatabaseCluster"
TAG = "digitalocean:index/tag:Tag"


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:acme::tenantry::tenantry:index:Host${kind}::{name}"


def _step(operation: str, kind: str = DROPLET, name: str = "acme-agent-a-1", **more: Any) -> Step:
    return Step(urn=_urn(kind, name), operation=operation, kind=kind, **more)


def _only(*steps: Step) -> Change:
    (change,) = changes_of(steps)
    return change


def test_the_three_steps_of_a_replacement_are_one_change() -> None:
    change = _only(
        _step("create-replacement", changed=("image", "tags"), replacing=("image",)),
        _step("replace", changed=("image", "tags"), replacing=("image",)),
        _step("delete-replaced"),
    )
    assert change.action == Action.REPLACE
    assert (change.forcing, change.keys) == (("image",), ("tags",))
    assert change.replaces_a_host


@pytest.mark.parametrize(
    "step",
    [
        _step("same"),
        _step("read"),
        _step("refresh"),
        _step("update", "tenantry:index:Guardrail"),
        _step("create", "pulumi:pulumi:Stack"),
        _step("create", "pulumi:providers:digitalocean", "default_4_84_1"),
    ],
)
def test_what_is_nothing_in_the_cloud_is_no_change(step: Step) -> None:
    assert not changes_of([step])


def test_a_provider_that_is_configured_otherwise_is_shown() -> None:
    step = _step("update", "pulumi:providers:digitalocean", "default", changed=("apiEndpoint",))
    assert _only(step).keys == ("apiEndpoint",), "everything might go to another account"


def test_a_word_of_the_engine_s_that_nobody_knows_is_shown() -> None:
    assert _only(_step("transmogrify")).action == Action.UPDATE


def test_what_loses_data_comes_first_then_hosts_then_the_worst() -> None:
    found = changes_of(
        [
            _step("create", TAG, "new"),
            _step("delete", TAG, "old"),
            _step("replace"),
            _step("update", CLUSTER, "resized"),
            _step("delete", "pulumi-python:dynamic/tenantry:VaultMount", "keys"),
            _step("replace", CLUSTER, "moved"),
        ]
    )
    assert [change.name for change in found] == ["keys", "moved", "acme-agent-a-1", "old", "resized", "new"]
    assert [change.loses_data for change in found] == [True, True, False, False, False, False]


PRICES = {"small": Decimal(6), "large": Decimal("24.50")}


def _monthly(kind: str, inputs: Mapping[str, Any]) -> Decimal | None:
    return PRICES.get(inputs.get("size", "")) if kind == DROPLET else Decimal(0)


def _held(name: str, size: str, **more: Any) -> dict[str, Any]:
    return {"urn": _urn(DROPLET, name), "type": DROPLET, "inputs": {"size": size}, **more}


def test_the_cost_is_that_of_the_state_and_of_the_state_with_the_steps_taken() -> None:
    state = [_held("kept", "small"), _held("resized", "small"), _held("gone", "large")]
    steps = [
        _step("same", name="kept", new={"size": "small"}),
        _step("update", name="resized", new={"size": "large"}),
        _step("delete", name="gone"),
        _step("create", name="new", new={"size": "small"}),
    ]
    assert cost_of(state, steps, _monthly) == Cost(before=Decimal("36.50"), after=Decimal("36.50"))
    assert str(cost_of(state, steps[:2], _monthly)) == "$36.50 → $55.00 a month"


def test_a_replaced_resource_costs_once() -> None:
    steps = [
        _step("create-replacement", new={"size": "large"}),
        _step("replace", new={"size": "large"}),
        _step("delete-replaced"),
    ]
    cost = cost_of([_held("acme-agent-a-1", "small")], steps, _monthly)
    assert (cost.before, cost.after) == (Decimal(6), Decimal("24.50"))


def test_an_old_copy_that_waits_for_its_deletion_costs_until_then() -> None:
    state = [_held("acme-agent-a-1", "small"), _held("acme-agent-a-1", "large", delete=True)]
    cost = cost_of(state, [_step("same", new={"size": "small"}), _step("delete")], _monthly)
    assert (cost.before, cost.after) == (Decimal("30.50"), Decimal(6)), "the current one stays"


def test_a_price_that_nobody_knows_is_said_and_not_taken_for_nothing() -> None:
    cost = cost_of([], [_step("create", new={"size": "odd"})], _monthly)
    assert cost.unpriced == ("Droplet acme-agent-a-1",)
    assert str(cost) == "$0.00 a month, 1 price unknown"


def test_components_cost_nothing_and_nobody_is_asked() -> None:
    cost = cost_of([], [_step("create", "tenantry:index:Guardrail")], lambda *_: None)
    assert not cost
