"""Whatever spec is accepted, its stack breaks no rule: the pack stands in the way of nobody else."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recorded_judgement import noticed

from components.naming import AGENT_MAX_LENGTH, AGENT_PATTERN
from stacks.program import program
from stacks.spec import parse_spec
from tests.recorded_stack import fake_public_key, record

NAMES = st.from_regex(AGENT_PATTERN, fullmatch=True).filter(lambda name: len(name) <= AGENT_MAX_LENGTH)
SIZES = st.sampled_from(["s-1vcpu-1gb", "s-1vcpu-2gb"])
KEYS = [fake_public_key(), f"{fake_public_key()}-5a4981aa-9653-4bd1-bef5-d6bff52042e4"]
"""A comment may be anything."""
AGENTS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "kind": st.sampled_from(["langchain", "openclaw", "n8n"]),
        "model": st.sampled_from(["openai/gpt-5", "anthropic/claude-sonnet-4-5"]),
        "size": SIZES,
        "replicas": st.integers(1, 3),
    },
    optional={"data_gib": st.integers(1, 16384)},
)
SPECS = st.fixed_dictionaries(
    {
        "tenant": st.sampled_from(["acme", "globex"]),
        "region": st.just("nyc3"),
        "agents": st.lists(AGENTS, min_size=1, max_size=4, unique_by=lambda agent: str(agent["name"])),
        "guardrail": st.fixed_dictionaries({"size": SIZES}),
        "database": st.fixed_dictionaries(
            {"version": st.sampled_from(["16", "17", "18"]), "node_count": st.integers(1, 3)}
        ),
        "cache": st.fixed_dictionaries({"eviction_policy": st.sampled_from(["noeviction", "allkeys_lru"])}),
        "ssh_keys": st.lists(st.sampled_from(KEYS), max_size=1),
    }
)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a spec is a whole program's run, and its rule names what is wrong with it."""

NO_BUDGET = {"tenant-budget": {"monthly_usd": 1_000_000}}
"""What a tenant may cost is its customer's matter, and not of trust."""


@given(spec=SPECS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_every_spec_makes_a_stack_that_keeps_every_rule(spec: dict[str, Any]) -> None:
    recording = record(lambda: program(parse_spec(spec)), stack=spec["tenant"])
    assert noticed(recording, NO_BUDGET) == {}
