"""The engine's command line, run as processes that can be watched and interrupted.

The CLI and not the Automation API: that one can't interrupt an update (its `cancel` only takes the lock away
from under it), puts config on argv and the passphrase into its errors. SIGINT to the CLI cancels the update,
finishes what is in flight, and releases the lock. See docs/adr/0006 and recipes, "Automation API".
"""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from stacks import policy_pack
from stacks.errors import EngineError
from stacks.events import Event, Message, parse
from stacks.outcomes import Collected, Outcome, Preview
from stacks.project import Project
from stacks.redaction import Redactor
from stacks.steps import Outputs, Step, drift_of, step_of

Verb = Literal["up", "destroy", "refresh", "import"]
OnEvent = Callable[[Event], None]

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes. An event repeats a resource's whole state."""

NO_STACK = "no stack named"
NOT_THERE = "there is no such stack: bring it up, or take its spec away"
"""What is said of one that has a spec and should have a state."""

STREAMED = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""A preview's events as they happen, rules' verdicts among them; its usual JSON has none."""


class Engine:
    """Runs `pulumi` in a project's folder. One object may run several commands at once."""

    def __init__(
        self,
        project: Project,
        *,
        command: Sequence[str] = ("pulumi",),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._project = project
        self._command = tuple(command)
        given = os.environ if environment is None else environment
        self._environment = {**given, **policy_pack.environment(project.folder)}
        self._redact = Redactor(self._environment)
        self._running: set[asyncio.subprocess.Process] = set()

    async def update(
        self, verb: Verb, tenant: str, *arguments: str, on_event: OnEvent = lambda _: None
    ) -> Outcome:
        """Run one of the engine's updates without asking, and report what happens as it happens.

        Raises EngineError when there is no engine to run.
        """
        command = (verb, "--stack", tenant, "--yes", "--skip-preview", "--json", *arguments)
        collected = Collected()
        return await self._run(command, collected, lambda _: None, on_event)

    async def preview(
        self, tenant: str, *arguments: str, plan: Path | None = None, on_event: OnEvent = lambda _: None
    ) -> Preview:
        """What an update would do, and what the rules say of it; `plan` is where it is written down.

        Raises EngineError when there is no engine to run.
        """
        saved = () if plan is None else ("--save-plan", str(plan))
        return await self._previewed(("preview", "--stack", tenant, "--json", *saved, *arguments), on_event)

    async def drift(self, tenant: str) -> Preview:
        """In what the resources differ from their state, which stays as it is. Raises EngineError.

        No rule is asked: what drifted is undone by an update, which asks them all.
        """
        command = ("refresh", "--stack", tenant, "--preview-only", "--json")
        return await self._previewed(command, read=drift_of)

    async def analyze(self, tenant: str) -> Preview:
        """What the rules say of the stack's state, without a program or a provider. Raises EngineError."""
        return await self._previewed(("policy", "analyze", "--stack", tenant, "--json"))

    async def analyze_file(self, path: Path) -> Preview:
        """The same of an exported state. Raises EngineError."""
        return await self._previewed(("policy", "analyze", "--file", str(path), "--json"))

    async def _previewed(
        self,
        command: Sequence[str],
        on_event: OnEvent = lambda _: None,
        read: Callable[[str], Step | Outputs | None] = step_of,
    ) -> Preview:
        collected, steps, outputs = Collected(), list[Step](), list[Outputs]()

        def keep(line: str) -> None:
            match read(line):
                case Step() as step:
                    steps.append(step)
                case Outputs() as last:
                    outputs.append(last)

        outcome = await self._run(command, collected, keep, on_event)
        return Preview(
            outcome=outcome,
            steps=tuple(steps),
            remediated=tuple(collected.remediated),
            outputs=outputs[-1] if outputs else None,
        )

    async def _run(
        self,
        command: Sequence[str],
        collected: Collected,
        keep: Callable[[str], None],
        on_event: OnEvent,
    ) -> Outcome:
        process = await self._start(*command, environment=STREAMED)
        assert process.stderr is not None  # noqa: S101 - a pipe, as _start asks
        said, _ = await asyncio.gather(
            process.stderr.read(), self._follow(process, collected, keep, on_event)
        )
        code = await self._finish(process)
        output = "\n".join([*collected.unparsed, said.decode(errors="replace")]).strip()
        return collected.outcome(code, self._redact(output))

    async def ensure_stack(self, tenant: str) -> None:
        """Create the stack, with its secrets under the passphrase, unless it is there. Raises EngineError."""
        command = ("stack", "init", tenant, "--secrets-provider", "passphrase", "--no-select")
        code, _, said = await self._capture(*command)
        if code and "already exists" not in said:
            msg = f"the stack {tenant!r} can't be created: {said}"
            raise EngineError(msg)

    async def export(self, tenant: str) -> dict[str, Any] | None:
        """The stack's checkpoint, its secrets encrypted; None when there is no stack. Raises EngineError."""
        command = ("stack", "export", "--stack", tenant)
        code, printed, said = await self._capture(*command)
        if code and NO_STACK in said:
            return None
        if code:
            msg = f"the state of {tenant!r} can't be read: {said}; if an update was killed, recover it"
            raise EngineError(msg)
        exported: dict[str, Any] = json.loads(printed)
        return exported

    async def remove_stack(self, tenant: str) -> None:
        """Forget the stack and its history; one that isn't there is well. Raises EngineError."""
        code, _, said = await self._capture("stack", "rm", tenant, "--yes", "--preserve-config")
        if code and NO_STACK not in said:
            msg = f"the stack {tenant!r} can't be removed: {said}"
            raise EngineError(msg)

    async def replace_checkpoint(self, tenant: str, checkpoint: Mapping[str, Any]) -> None:
        """Give the stack an edited checkpoint; the engine refuses one that isn't sound.

        Raises EngineError.
        """
        with tempfile.TemporaryDirectory(dir=self._project.folder) as folder:
            path = Path(folder) / "checkpoint.json"
            path.touch(mode=0o600)
            path.write_text(json.dumps(checkpoint))
            await self.output("stack", "import", "--stack", tenant, "--file", str(path))

    async def output(self, *command: str) -> str:
        """What a command prints. Raises EngineError with the engine's own words when it fails."""
        code, printed, said = await self._capture(*command)
        if code:
            msg = f"`pulumi {' '.join(command[:2])}` failed: {said or self._redact(printed.strip())}"
            raise EngineError(msg)
        return printed

    def use(self, environment: Mapping[str, str]) -> None:
        """Give what is run from now on these variables besides."""
        self._environment |= environment

    def interrupt(self) -> int:
        """Ask every running command to stop in order; a second time, at once. Returns how many there were."""
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        return len(self._running)

    async def _capture(self, *command: str) -> tuple[int, str, str]:
        process = await self._start(*command)
        printed, said = await process.communicate()
        code = await self._finish(process)
        return code, printed.decode(errors="replace"), self._redact(said.decode(errors="replace").strip())

    async def _start(
        self, *command: str, environment: Mapping[str, str] = MappingProxyType({})
    ) -> asyncio.subprocess.Process:
        """In a session of its own, so that Ctrl-C in a terminal reaches the engine through us alone."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *command,
                "--non-interactive",
                "--color=never",
                cwd=self._project.folder,
                env={**self._environment, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        except FileNotFoundError as error:
            msg = (
                f"{self._command[0]!r} isn't on PATH: run this through `python -m local_cloud exec --`, "
                "or install it"
            )
            raise EngineError(msg) from error
        self._running.add(process)
        return process

    async def _follow(
        self,
        process: asyncio.subprocess.Process,
        collected: Collected,
        keep: Callable[[str], None],
        on_event: OnEvent,
    ) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe, as _start asks
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            keep(line)
            event = parse(line)
            if event is None:
                if line and not line.startswith("{"):
                    collected.unparsed.append(line)
                continue
            if isinstance(event, Message):
                event = Message(severity=event.severity, text=self._redact(event.text), urn=event.urn)
            collected.add(event)
            on_event(event)

    async def _finish(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        self._running.discard(process)
        return code
