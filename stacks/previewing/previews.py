"""Previews of several stacks, side by side, each in an engine's process of its own, with nothing left behind.

A stack that isn't there yet is made for its preview and taken away again; its salt stays in the project's
folder, so that the plan can be read when the stack is made in earnest.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from components.naming import PLATFORM
from stacks import mesh_keys, operations
from stacks.checkpoint import Checkpoint
from stacks.engine import Engine
from stacks.errors import EngineError, StacksError
from stacks.outcomes import Preview
from stacks.platform_outputs import COMING
from stacks.platform_spec import PlatformSpec, load_platform_spec, refuse_unlisted
from stacks.previewing.changes import changes_of
from stacks.previewing.cost import NOTHING, Monthly, cost_of
from stacks.previewing.exports import changed_exports
from stacks.previewing.report import Plan, StackReport, State
from stacks.project import Project
from stacks.redaction import Redactor
from stacks.side_by_side import AT_ONCE, side_by_side

INTERRUPTED = "interrupted before it was previewed"


class Previews:
    """`plans` is a folder of this run's alone; `say` is told how each stack's preview ended."""

    def __init__(
        self,
        project: Project,
        engine: Engine,
        plans: Path,
        monthly: Monthly,
        *,
        say: Callable[[str, str], None] = lambda _stack, _text: None,
        is_interrupted: Callable[[], bool] = lambda: False,
        at_once: int = AT_ONCE,
    ) -> None:
        self._project = project
        self._engine = engine
        self._plans = plans
        self._monthly = monthly
        self._say = say
        self._is_interrupted = is_interrupted
        self._at_once = at_once
        self._redact = Redactor()

    async def run(self, stacks: Sequence[str]) -> tuple[StackReport, ...]:
        """One that fails doesn't stop the others."""
        self._plans.mkdir(parents=True, exist_ok=True, mode=0o700)
        platform = self._platform()
        if coming := await self._coming(platform):
            self._engine.use({COMING: ",".join(coming)})
        jobs = (partial(self._one, stack, platform) for stack in stacks)
        return tuple(await side_by_side(jobs, self._at_once))

    def _platform(self) -> PlatformSpec | None:
        """The platform as the change wants it; None for a spec whose own preview will say what is wrong."""
        try:
            return load_platform_spec(self._project.spec_file(PLATFORM))
        except StacksError:
            return None

    async def _coming(self, platform: PlatformSpec | None) -> tuple[str, ...]:
        """Tenants that the change lists, and the platform as it is doesn't have yet."""
        try:
            outputs = Checkpoint(await self._engine.export(PLATFORM) or {}).outputs
        except EngineError:  # each tenant's preview will say so
            return ()
        wanted = platform.tenants if platform else ()
        return tuple(sorted(set(wanted) - set(outputs.get("tenants") or ())))

    async def _one(self, stack: str, platform: PlatformSpec | None) -> StackReport:
        if self._is_interrupted():
            report = StackReport(stack=stack, failure=INTERRUPTED)
        else:
            report = await self._reported(stack, platform)
        self._say(stack, report.summary)
        return report

    async def _reported(self, stack: str, platform: PlatformSpec | None) -> StackReport:
        try:
            self._project.sync((stack,))
            if platform and stack != PLATFORM:
                refuse_unlisted(platform, [stack])
            checkpoint = await self._engine.export(stack)
            preview = await self._previewed(stack, checkpoint)
        except StacksError as error:
            return StackReport(stack=stack, failure=self._redact(str(error)))
        return self._report(stack, checkpoint, preview)

    async def _previewed(self, stack: str, checkpoint: Mapping[str, Any] | None) -> Preview:
        """With the keys replaced that an update would replace. Raises EngineError."""
        options = [f"--replace={urn}" for urn in mesh_keys.spent(_resources(checkpoint))]
        plan = self._plan(stack)
        if checkpoint is not None:
            return await self._engine.preview(stack, *options, plan=plan)
        try:
            await self._engine.ensure_stack(stack)
            return await self._engine.preview(stack, *options, plan=plan)
        finally:
            await self._engine.remove_stack(stack)

    def _report(self, stack: str, checkpoint: Mapping[str, Any] | None, preview: Preview) -> StackReport:
        failure = self._redact(failure_of(stack, preview))
        outputs = preview.outputs if checkpoint is not None and not failure else None
        report = StackReport(
            stack=stack,
            state=State.NEW if checkpoint is None else State.THERE,
            changes=changes_of(preview.steps),
            violations=tuple(replace(each, text=self._redact(each.text)) for each in preview.violations),
            mended=preview.remediated,
            # What a preview that ended early hasn't come to would be missing from the sum.
            cost=NOTHING if failure else cost_of(_resources(checkpoint), preview.steps, self._monthly),
            failure=failure,
            exports=changed_exports(outputs) if outputs else (),
        )
        return replace(report, plan=self._approvable(report))

    def _approvable(self, report: StackReport) -> Plan | None:
        """The plan, which goes where nobody may approve it."""
        path = self._plan(report.stack)
        if not report.passed:
            path.unlink(missing_ok=True)
        if not path.is_file():
            return None
        path.chmod(0o600)
        return Plan(path=path.name, digest=hashlib.sha256(path.read_bytes()).hexdigest())

    def _plan(self, stack: str) -> Path:
        return (self._plans / f"{stack}.json").resolve()


def failure_of(stack: str, preview: Preview) -> str:
    """Why a preview failed, beside the rules that are broken; empty when these are the only reason."""
    if preview.passed:
        return ""
    outcome = replace(preview.refusal, violations=())
    reasons = [error for error in outcome.errors if not error.text.startswith(operations.ENDINGS)]
    broken = any(violation.is_mandatory for violation in preview.violations)
    if broken and preview.was_judged and not reasons and not outcome.output:
        return ""
    return operations.explain(operations.Result(tenant=stack, outcome=outcome, seconds=0))


def _resources(checkpoint: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return ((checkpoint or {}).get("deployment") or {}).get("resources") or []
