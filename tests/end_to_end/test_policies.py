"""Every rule by the real engine: a program that is broken in one way is refused, and nothing of it is made.

`pulumi up` and not `pulumi preview`: its own preview is what refuses, so both are seen in one run.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
import yaml
from all_breakages import BREAKAGES
from breakage import Breakage
from platform_driver import PLATFORM, Platform, small_spec
from real_cloud import ROOT

from policies.rule import ResourceRule
from policies.rules import RULES
from stacks.events import Event, Message, Remediated, Violation, parse
from stacks.policy_pack import CONFIG_VARIABLE

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(1800)]  # all engines run before the first test

PROGRAM = ROOT / "tests" / "policies" / "broken_program.py"
STACKS = ("broken", "broken2")
"""Two tenants, so that two engines work side by side."""

FIRST = tuple({each.rule: each for each in reversed(BREAKAGES)}.values())
"""One breakage a rule: an engine's run takes seconds. tests/policies/test_mutations.py tries them all."""

MENDING = {rule.name for rule in RULES if isinstance(rule, ResourceRule) and rule.mend}


@dataclass(frozen=True)
class Judged:
    """What the engine said of one broken program."""

    code: int
    events: tuple[Event, ...]
    printed: str

    @property
    def said(self) -> str:
        """Why it ended as it did, for who reads that this test failed."""
        messages = [each.text for each in self.events if isinstance(each, Message)]
        return "\n".join([*messages, self.printed])

    def refusals(self) -> set[str]:
        return {each.policy for each in self.events if isinstance(each, Violation) and each.is_mandatory}

    def remediations(self) -> set[str]:
        return {each.policy for each in self.events if isinstance(each, Remediated)}


@dataclass(frozen=True)
class Judge:
    """Runs broken programs; one at a time on each stack."""

    platform: Platform
    locks: dict[str, Lock]

    def judge(self, breakage: Breakage, stack: str) -> Judged:
        folder = self.platform.folder / f"project-{stack}"
        with self.locks[stack]:
            done = self.platform.run(
                "env",
                f"BREAKAGE={breakage.name}",
                "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true",
                *("pulumi", "--cwd", str(folder), "--non-interactive"),
                *("preview" if breakage.rule in MENDING else "up", "--stack", stack, "--json"),
                *(() if breakage.rule in MENDING else ("--yes",)),
                check=False,
            )
        events = filter(None, map(parse, done.stdout.splitlines()))
        return Judged(code=done.returncode, events=tuple(events), printed=done.stderr[-2000:])


@pytest.fixture(scope="module")
def platform(account: Any) -> Iterator[Platform]:
    made: Platform = account("policies")
    for number, stack in enumerate(STACKS):
        agents = [{"name": "writer", "kind": "langchain", "model": "openai/gpt-5", "data_gib": 1}]
        made.write(stack, small_spec(stack, 70 + number, agents=agents, deletion_protection=True))
    settings = made.folder / "specs" / "policies-config.json"
    settings.write_text("{}")
    made.stacks("project")
    for stack in (*STACKS, PLATFORM):
        _project(made, stack)
    for stack in STACKS:
        made.pulumi("stack", "init", stack, "--secrets-provider", "passphrase", "--no-select")
        salted = made.folder / "project" / f"Pulumi.{stack}.yaml"
        (made.folder / f"project-{stack}" / salted.name).write_text(salted.read_text())
    yield made
    for stack in STACKS:
        made.pulumi("stack", "rm", stack, "--yes")


def _project(platform: Platform, stack: str) -> None:
    """A project like the real one, but for its program."""
    folder = platform.folder / f"project-{stack}"
    folder.mkdir()
    definition = yaml.safe_load((platform.folder / "project" / "Pulumi.yaml").read_text())
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**definition, "main": str(PROGRAM)}))
    name = f"Pulumi.{stack}.yaml"
    (folder / name).write_text((platform.folder / "project" / name).read_text())


@pytest.fixture(scope="module")
def judged(platform: Platform) -> dict[str, Judged]:
    """Every breakage's verdict, by its name: the engine's runs are what takes time, two at a time."""
    judge = Judge(platform, {stack: Lock() for stack in (*STACKS, PLATFORM)})
    stacks = cycle(STACKS)
    turns = [(each, next(stacks) if each.stack == "tenant" else PLATFORM) for each in FIRST]
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        verdicts = list(pool.map(lambda turn: judge.judge(*turn), turns))
    finally:
        pool.shutdown(cancel_futures=True)  # whoever interrupts the tests waits for two runs, not for all
    return {breakage.name: verdict for breakage, verdict in zip(FIRST, verdicts, strict=True)}


def is_refused(breakage: Breakage) -> bool:
    return breakage.rule not in MENDING


def named(breakage: Breakage) -> str:
    return breakage.name


@pytest.mark.parametrize("breakage", [each for each in FIRST if is_refused(each)], ids=named)
def test_a_broken_program_is_refused_by_the_rule_that_is_for_it(
    breakage: Breakage, judged: dict[str, Judged]
) -> None:
    verdict = judged[breakage.name]
    assert breakage.rule in verdict.refusals(), f"{breakage.what}: {verdict.refusals()} {verdict.said}"
    assert verdict.code != 0, "what is refused is not done"


@pytest.mark.parametrize("breakage", [each for each in FIRST if not is_refused(each)], ids=named)
def test_what_can_be_set_right_safely_is(breakage: Breakage, judged: dict[str, Judged]) -> None:
    verdict = judged[breakage.name]
    assert breakage.rule in verdict.remediations(), f"{breakage.what}: {verdict.said}"
    assert verdict.code == 0, f"and the preview goes on: {verdict.refusals()} {verdict.said}"


def test_no_rule_fails_to_run_on_what_a_preview_doesn_t_know(judged: dict[str, Judged]) -> None:
    for name, verdict in judged.items():
        stopped = [
            each for each in verdict.events if isinstance(each, Violation) and "can't run" in each.text
        ]
        assert not stopped, f"{name}: {stopped}"


@pytest.mark.usefixtures("judged")
def test_nothing_of_what_was_refused_is_there(platform: Platform) -> None:
    for stack in STACKS:
        assert not platform.things(stack), "the preview comes first"
        exported = json.loads(platform.pulumi("stack", "export", "--stack", stack).stdout)
        assert not exported["deployment"].get("resources"), "nothing was registered as made"


@pytest.mark.parametrize(
    "config",
    [{"all": "disabled"}, {"tenant-budget": "advisory"}, {"tenant-budget": {"enforcementLevel": "disabled"}}],
    ids=["all", "one", "one by its settings"],
)
def test_a_rule_can_t_be_switched_off(platform: Platform, config: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "off.json"
    path.write_text(json.dumps(config))
    command = ("pulumi", "--cwd", str(platform.folder / "project"), "--non-interactive", "preview")
    set_by_hand = ("env", f"{CONFIG_VARIABLE}={path}")
    done = platform.run(*set_by_hand, *command, "--stack", STACKS[0], check=False)
    assert done.returncode != 0
    assert "every rule is mandatory" in done.stdout + done.stderr


def test_a_program_that_nobody_judges_declares_nothing(platform: Platform) -> None:
    unset = ("env", "--unset=PULUMI_OPTION_POLICY_PACK", "--unset=PULUMI_OPTION_POLICY_PACK_CONFIG")
    command = ("pulumi", "--cwd", str(platform.folder / "project"), "--non-interactive", "preview")
    done = platform.run(*unset, *command, "--stack", STACKS[0], check=False)
    assert done.returncode != 0
    assert "PULUMI_OPTION_POLICY_PACK=" in done.stdout + done.stderr, "and says what to set"
