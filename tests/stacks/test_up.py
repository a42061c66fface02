"""What `stacks.up` does in which order; the engine is a stand-in, the identity's vault too."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from stacks import up
from stacks.errors import ProjectError
from stacks.events import Summary, Violation
from stacks.operations import Progress
from stacks.outcomes import Outcome, Preview
from stacks.project import Project
from stacks.spec_errors import SpecError
from stacks.steps import Step
from stacks.up import Up, exit_code, refuse_wrong_specs

AGENT = {"name": "writer", "kind": "langchain", "model": "anthropic/claude"}


class Recorded:
    """An engine that notes what it is asked for; the stacks in `failing` fail, others would change.

    `broken` breaks a rule; `unchanged` has nothing to do.
    """

    def __init__(self, *failing: str, broken: str = "", unchanged: str = "") -> None:
        self.ran: list[tuple[str, tuple[str, ...]]] = []
        self.verbs: list[str] = []
        self.used: list[Mapping[str, str]] = []
        self.previewed: list[tuple[str, tuple[str, ...]]] = []
        self._failing = failing
        self._broken = broken
        self._unchanged = unchanged

    async def preview(self, stack: str, *options: str, **_: Any) -> Preview:
        self.previewed.append((stack, options))
        broken = [Violation(policy="tenant-tag", text="it lacks a tag")] if stack == self._broken else []
        summary = Summary(changes={}, seconds=1, result="succeeded", packs=("tenantry",))
        outcome = Outcome(code=len(broken), summary=summary, violations=tuple(broken))
        operation = "same" if stack == self._unchanged else "create"
        return Preview(outcome=outcome, steps=(Step(urn="x", operation=operation, kind="y"),))

    async def update(self, verb: str, stack: str, *options: str, **_: Any) -> Outcome:
        self.verbs.append(verb)
        self.ran.append((stack, options))
        return Outcome(code=1 if stack in self._failing else 0)

    async def export(self, _stack: str) -> None:
        return None

    def use(self, environment: Mapping[str, str]) -> None:
        self.used.append(environment)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: tenantry\n")
    project = Project(clone=tmp_path, specs=tmp_path, folder=tmp_path)
    _write(project, "platform", {"tenants": ["acme", "globex"]})
    for tenant, ranges in (("acme", {}), ("globex", {}), ("initech", {"ip_range": "10.61.0.0/24"})):
        _write(project, tenant, {"tenant": tenant, "region": "nyc3", "agents": [AGENT], **ranges})
    return project


def _write(project: Project, stack: str, spec: Mapping[str, Any]) -> None:
    (project.specs / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": {"tenantry:spec": spec}}))


@pytest.fixture(autouse=True)
def identities(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """For which tenants an identity was asked."""
    asked: list[Sequence[str]] = []

    @contextmanager
    def identity(tenants: Sequence[str]) -> Iterator[dict[str, str]]:
        asked.append(tenants)
        yield {"SSH_AUTH_SOCK": "a socket"}

    monkeypatch.setattr(up, "operator_identity", identity)
    return asked


def _run(
    engine: Recorded, project: Project, *stacks: str, refresh: bool = False, plans: Path | None = None
) -> int:
    progress = Progress(Console(quiet=True), stacks)
    run = Up(project, engine, progress, refresh=refresh, plans=plans)  # type: ignore[arg-type]
    return exit_code(asyncio.run(run.run(stacks)))


def test_the_platform_comes_before_the_tenants_that_read_it(project: Project) -> None:
    engine = Recorded()
    assert _run(engine, project, "acme", "globex", "platform") == 0
    assert engine.ran[0] == ("platform", ())
    assert {stack for stack, _ in engine.ran[1:]} == {"acme", "globex"}


def test_tenants_are_brought_up_as_the_operator_of_just_these(
    project: Project, identities: list[Sequence[str]]
) -> None:
    engine = Recorded()
    _run(engine, project, "platform", "acme")
    assert identities == [["acme"]]
    assert engine.used == [{"SSH_AUTH_SOCK": "a socket"}], "the engine's plugins find the agent"


def test_a_refresh_comes_first_so_that_keys_of_lost_droplets_are_replaced(project: Project) -> None:
    engine = Recorded()
    assert _run(engine, project, "acme", refresh=True) == 0
    assert engine.verbs == ["refresh", "up"]


def test_nothing_is_updated_after_a_refresh_that_failed(project: Project) -> None:
    engine = Recorded("acme")
    assert _run(engine, project, "acme", refresh=True) == 1
    assert engine.verbs == ["refresh"]


def test_the_platform_alone_needs_no_identity(project: Project, identities: list[Sequence[str]]) -> None:
    assert _run(Recorded(), project, "platform") == 0
    assert not identities, "it makes the authority that would sign it"


def test_tenants_are_left_alone_when_the_platform_fails(project: Project) -> None:
    engine = Recorded("platform")
    assert _run(engine, project, "platform", "acme") == 1
    assert [stack for stack, _ in engine.ran] == ["platform"]


def test_one_tenant_that_fails_does_not_stop_another(project: Project) -> None:
    engine = Recorded("acme")
    assert _run(engine, project, "acme", "globex") == 1
    assert {stack for stack, _ in engine.ran} == {"acme", "globex"}


def test_a_tenant_that_the_platform_s_spec_lacks_is_refused_before_anything(project: Project) -> None:
    with pytest.raises(SpecError, match="not 'initech'"):
        refuse_wrong_specs(project, ["acme", "initech"])
    refuse_wrong_specs(project, ["acme", "platform"])


def test_a_platform_s_spec_that_is_wrong_is_refused_before_anything(project: Project) -> None:
    _write(project, "platform", {"tenants": ["acme"], "meshes": {}})
    with pytest.raises(SpecError, match="meshes"):
        refuse_wrong_specs(project, ["platform"])


def test_a_stack_that_breaks_a_rule_is_previewed_and_no_more(project: Project) -> None:
    engine = Recorded(broken="acme")
    assert _run(engine, project, "acme", "globex") == 1
    assert [stack for stack, _ in engine.ran] == ["globex"], "the other's is none of its business"


def test_a_stack_that_has_nothing_to_do_is_not_updated(project: Project) -> None:
    engine = Recorded(unchanged="acme")
    assert _run(engine, project, "acme") == 0
    assert not engine.ran


def test_an_update_is_held_to_its_plan_and_its_preview_is_not(project: Project, tmp_path: Path) -> None:
    (tmp_path / "acme.json").write_text("{}")
    engine = Recorded()
    assert _run(engine, project, "acme", plans=tmp_path) == 0
    assert engine.ran == [("acme", (f"--plan={tmp_path}/acme.json",))]
    assert engine.previewed == [("acme", ())], "the rules are asked about what the program says now"


def test_a_stack_without_an_approved_plan_is_refused(project: Project, tmp_path: Path) -> None:
    engine = Recorded()
    with pytest.raises(ProjectError, match=r"no approved plan for 'acme'.*stacks\.preview"):
        _run(engine, project, "acme", plans=tmp_path)
    assert not engine.verbs


@pytest.mark.parametrize("refresh", [False, True])
def test_a_plan_that_is_missing_is_found_before_the_platform_s_is_applied(
    project: Project,
    tmp_path: Path,
    refresh: bool,  # noqa: FBT001
) -> None:
    (tmp_path / "platform.json").write_text("{}")
    engine = Recorded()
    with pytest.raises(ProjectError, match="no approved plan for 'acme'"):
        _run(engine, project, "platform", "acme", plans=tmp_path, refresh=refresh)
    assert not engine.verbs
