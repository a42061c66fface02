"""Each breakage is noticed, by the rule that it is for; and a stack that nobody broke breaks no rule."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import MagicMock, patch

import pulumi_tailscale as tailscale
import pytest
from all_breakages import BREAKAGES
from breakage import Breakage
from recorded_judgement import noticed

from policies.rules import RULES
from stacks.platform_program import platform_program
from stacks.platform_spec import parse_platform_spec
from stacks.program import program
from stacks.spec import parse_spec
from tests.recorded_stack import PLATFORM, Recording, record

SPEC = {
    "tenant": "acme",
    "region": "nyc3",
    "agents": [{"name": "writer", "kind": "langchain", "model": "anthropic/claude", "data_gib": 1}],
}
PLATFORM_SPEC = {"tenants": ["acme", "globex"], "mesh": PLATFORM["mesh"]}


@contextmanager
def surroundings() -> Iterator[None]:
    """What the platform's program finds where it runs; what a breakage replaced is put back at the end."""
    policy = tailscale.GetAclResult(hujson="{}", id="acl", json="{}")
    for replaced in (
        patch.dict(os.environ, {"VAULT_ADDR": "https://100.64.0.2:8200", "VAULT_CACERT": ""}),
        patch("stacks.platform_program.vault_client", MagicMock(url="https://100.64.0.2:8200")),
        patch("stacks.platform_program.stack_outputs", return_value=None),
        patch("pulumi_tailscale.get_acl", return_value=policy),
    ):
        replaced.start()
    yield
    patch.stopall()


@pytest.fixture(autouse=True)
def _around() -> Iterator[None]:
    with surroundings():
        yield


def recorded(breakage: Breakage | None, stack: str) -> Recording:
    def run() -> None:
        if breakage:
            breakage.apply()
        if stack == "tenant":
            program(parse_spec(SPEC))
        else:
            platform_program(parse_platform_spec(PLATFORM_SPEC))
        if breakage:
            breakage.extra()

    return record(run, stack="acme" if stack == "tenant" else "platform")


@pytest.mark.parametrize("stack", ["tenant", "platform"])
def test_a_stack_that_nobody_broke_breaks_no_rule(stack: str) -> None:
    assert noticed(recorded(None, stack), {}) == {}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_a_broken_stack_is_noticed_by_the_rule_that_is_for_it(breakage: Breakage) -> None:
    found = noticed(recorded(breakage, breakage.stack), {})
    assert breakage.rule in found, f"{breakage.what}: only {sorted(found)} noticed"


def test_no_rule_is_without_a_breakage() -> None:
    assert {rule.name for rule in RULES} == {breakage.rule for breakage in BREAKAGES}
