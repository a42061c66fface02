"""How stacks are previewed side by side, and what is left behind: nothing. The engine is a stand-in."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.errors import EngineError
from stacks.events import Message, Summary, Violation
from stacks.outcomes import Outcome, Preview
from stacks.platform_outputs import COMING
from stacks.previewing.cost import NOTHING
from stacks.previewing.previews import INTERRUPTED, Previews, failure_of
from stacks.previewing.report import StackReport, State
from stacks.project import Project
from stacks.steps import Outputs, Step

KEY = "tailscale:index/tailnetKey:TailnetKey"
DROPLET = "digitalocean:index/droplet:Droplet"
KEY_URN = f"urn:pulumi:acme::tenantry::{KEY}::acme-guardrail-1-mesh-key"
RESIZE = Step(
    urn=f"urn:pulumi:acme::tenantry::{DROPLET}::acme-guardrail-1",
    operation="update",
    kind=DROPLET,
    old={"size": "small"},
    new={"size": "large"},
    changed=("size",),
)
BROKEN = Violation(policy="rule", text="Droplet acme-guardrail-1: size. Fix it", severity="high")


def _preview(*steps: Step, code: int = 0, packs: tuple[str, ...] = ("tenantry",), **outcome: Any) -> Preview:
    summary = Summary(changes={}, seconds=1, result="succeeded", packs=packs)
    return Preview(outcome=Outcome(code=code, summary=summary, **outcome), steps=steps)


def _checkpoint(*resources: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


def _platform(*tenants: str) -> dict[str, Any]:
    stack = {
        "urn": "urn:…::tenantry-platform",
        "type": "pulumi:pulumi:Stack",
        "outputs": {"tenants": [*tenants]},
    }
    return _checkpoint(stack)


class Fake:
    """An engine with these checkpoints, that notes what it does and what is there at any time."""

    def __init__(self, checkpoints: Mapping[str, Any], previews: Mapping[str, Preview] | None = None) -> None:
        self.stacks = dict(checkpoints)
        self.used: dict[str, str] = {}
        self.asked: dict[str, tuple[str, ...]] = {}
        self.removed: list[str] = []
        self.at_once = self.running = 0
        self.on_preview: Callable[[str], None] = lambda _stack: None
        self._previews = previews or {}

    async def export(self, stack: str) -> Any:
        return self.stacks.get(stack)

    async def ensure_stack(self, stack: str) -> None:
        self.stacks.setdefault(stack, _checkpoint())

    async def remove_stack(self, stack: str) -> None:
        self.removed.append(stack)
        self.stacks.pop(stack, None)

    def use(self, environment: Mapping[str, str]) -> None:
        self.used |= environment

    async def preview(self, stack: str, *options: str, plan: Path | None = None) -> Preview:
        assert stack in self.stacks, "the engine refuses to preview a stack that isn't there"
        self.asked[stack] = options
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        await asyncio.sleep(0)
        self.on_preview(stack)
        self.running -= 1
        if plan is not None:
            _write_plan(plan, stack)
        return self._previews.get(stack, _preview())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: tenantry\n")
    project = Project(clone=tmp_path, specs=tmp_path, folder=tmp_path / "project")
    _write(project, "platform", {"tenants": ["acme", "globex", "initech"]})
    for tenant in ("acme", "globex", "initech", "hooli"):
        _write(project, tenant, {"tenant": tenant})
    return project


def _write(project: Project, stack: str, spec: Mapping[str, Any]) -> None:
    (project.specs / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": {"tenantry:spec": spec}}))


def _write_plan(path: Path, stack: str) -> None:
    path.write_text(f"the plan of {stack}")


def _monthly(kind: str, inputs: Mapping[str, Any]) -> Decimal | None:
    return (
        {"small": Decimal(6), "large": Decimal(12)}.get(inputs.get("size", ""))
        if kind == DROPLET
        else Decimal(0)
    )


def _run(engine: Fake, project: Project, *stacks: str, **more: Any) -> dict[str, StackReport]:
    plans = project.clone / "plans"
    previews = Previews(project, engine, plans, _monthly, **more)  # type: ignore[arg-type]
    return {report.stack: report for report in asyncio.run(previews.run(stacks))}


def _engine(**previews: Preview) -> Fake:
    held = {"urn": RESIZE.urn, "type": DROPLET, "inputs": {"size": "small"}}
    there = {"platform": _platform("acme", "globex"), "acme": _checkpoint(held), "globex": _checkpoint()}
    return Fake(there, previews)


def test_a_stack_s_changes_cost_and_plan_are_reported(project: Project) -> None:
    report = _run(_engine(acme=_preview(RESIZE)), project, "acme")["acme"]
    assert report.summary == "1 to update; $6.00 → $12.00 a month"
    assert report.state == State.THERE
    assert report.plan is not None
    assert report.plan.path == "acme.json"
    path = project.clone / "plans" / "acme.json"
    assert path.stat().st_mode & 0o777 == 0o600, "a plan has what the stack has"


def test_a_new_tenant_is_previewed_though_the_platform_lacks_it_and_leaves_no_stack(project: Project) -> None:
    engine = _engine()
    report = _run(engine, project, "platform", "initech")["initech"]
    assert report.state == State.NEW
    assert report.passed
    assert engine.used == {COMING: "initech"}, "the program may then go on without the platform's word"
    assert engine.removed == ["initech"]
    assert report.plan is not None


def test_the_stack_of_a_new_tenant_goes_also_when_its_preview_could_not_be_run(project: Project) -> None:
    engine = _engine()

    def fail(_stack: str) -> None:
        raise EngineError("no engine")

    engine.on_preview = fail
    report = _run(engine, project, "initech")["initech"]
    assert (report.failure, report.passed) == ("no engine", False)
    assert "initech" not in engine.stacks


def test_a_stack_that_was_there_stays(project: Project) -> None:
    engine = _engine()
    _run(engine, project, "platform", "acme", "globex")
    assert engine.removed == []


def test_a_tenant_that_the_platform_s_spec_lacks_is_refused_as_an_update_would(project: Project) -> None:
    engine = _engine()
    report = _run(engine, project, "hooli")["hooli"]
    assert "not 'hooli'" in report.failure
    assert not engine.asked


@pytest.mark.parametrize("text", ["[", "note: 2026-13-01", "[" * 3000])
def test_one_that_fails_does_not_stop_another(project: Project, text: str) -> None:
    (project.specs / "Pulumi.acme.yaml").write_text(text)
    reports = _run(_engine(), project, "acme", "globex")
    assert "can't read" in reports["acme"].failure
    assert reports["globex"].passed


def test_a_platform_s_spec_that_is_wrong_fails_the_platform_s_preview_alone(project: Project) -> None:
    _write(project, "platform", {"tenants": ["acme"], "odd": 1})
    failed = _preview(code=1, errors=(Message(severity="error", text="odd: no such field"),))
    reports = _run(_engine(platform=failed), project, "platform", "acme")
    assert "odd" in reports["platform"].failure
    assert reports["acme"].passed


def test_no_more_than_so_many_run_at_once(project: Project) -> None:
    engine = _engine()
    _run(engine, project, "platform", "acme", "globex", "initech", at_once=2)
    assert engine.at_once == 2


def test_what_waits_for_its_turn_is_not_begun_after_an_interrupt(project: Project) -> None:
    engine = _engine()
    stopped: list[str] = []
    engine.on_preview = stopped.append
    reports = _run(engine, project, "acme", "globex", at_once=1, is_interrupted=lambda: bool(stopped))
    assert list(engine.asked) == ["acme"]
    assert reports["globex"].failure == INTERRUPTED


def test_what_a_stack_would_export_otherwise_is_a_change(project: Project) -> None:
    outputs = Outputs(old={"mesh": {"peers": []}, "same": 1}, new={"mesh": {"peers": ["a"]}, "same": 1})
    changed = replace(_preview(), outputs=outputs)
    assert _run(_engine(platform=changed), project, "platform")["platform"].exports == ("mesh",)
    failed = replace(_preview(code=1, output="no"), outputs=outputs)
    assert _run(_engine(platform=failed), project, "platform")["platform"].exports == ()


def test_a_preview_that_failed_has_no_cost_rather_than_a_part_of_it(project: Project) -> None:
    report = _run(_engine(acme=_preview(RESIZE, code=1, output="no")), project, "acme")["acme"]
    assert report.cost == NOTHING


def test_spent_keys_are_replaced_as_an_update_replaces_them(project: Project) -> None:
    engine = _engine()
    engine.stacks["acme"] = _checkpoint({"urn": KEY_URN, "type": KEY, "inputs": {}})
    _run(engine, project, "acme")
    assert engine.asked["acme"] == (f"--replace={KEY_URN}",), "or the plan would not allow it"


@pytest.mark.parametrize(
    "refused",
    [_preview(violations=(BROKEN,)), _preview(packs=()), _preview(code=1, output="it failed")],
    ids=["a rule is broken", "no rules were run", "the engine failed"],
)
def test_what_may_not_be_merged_has_no_plan_not_even_an_older_one(project: Project, refused: Preview) -> None:
    _run(_engine(), project, "acme")
    path = project.clone / "plans" / "acme.json"
    assert path.exists()
    report = _run(_engine(acme=refused), project, "acme")["acme"]
    assert not report.passed
    assert report.plan is None
    assert not path.exists()


def test_broken_rules_alone_are_no_other_failure() -> None:
    ending = Message(severity="error", text="preview failed")
    assert failure_of("acme", _preview(code=1, violations=(BROKEN,), errors=(ending,))) == ""
    reason = Message(severity="error", text="422 the limit is reached")
    both = _preview(code=1, violations=(BROKEN,), errors=(ending, reason))
    assert failure_of("acme", both) == "422 the limit is reached"


def test_rules_that_were_not_run_are_a_failure() -> None:
    assert "rules were not run" in failure_of("acme", _preview(packs=()))
    assert "ended with 1" in failure_of("acme", _preview(code=1, packs=()))


def test_secrets_are_in_no_report(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "a-very-secret-token")
    said = "it is a-very-secret-token"
    broken = Violation(policy="rule", text=said, severity="high")
    failed = _preview(code=1, output=said, violations=(broken,))
    report = _run(_engine(acme=failed), project, "acme")["acme"]
    assert "a-very-secret-token" not in repr(report)
