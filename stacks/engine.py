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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stacks.errors import EngineError
from stacks.events import Event, Message, Summary, parse
from stacks.project import Project
from stacks.redaction import Redactor

Verb = Literal["up", "destroy", "refresh", "import"]
OnEvent = Callable[[Event], None]

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes. An event repeats a resource's whole state."""

NO_STACK = "no stack named"
LOCKED = "the stack is currently locked by"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an update ended. `output` is what the engine said outside its events."""

    code: int
    output: str = ""
    errors: tuple[Message, ...] = ()
    summary: Summary | None = None

    @property
    def succeeded(self) -> bool:
        return self.code == 0

    @property
    def changes(self) -> int:
        """Resources that were created, updated, replaced or deleted."""
        counted = self.summary.changes if self.summary else {}
        return sum(count for operation, count in counted.items() if operation != "same")

    @property
    def needs_recovery(self) -> bool:
        """Whether a lock or a torn file (stacks.recovery.sidecars) stood in the way."""
        return LOCKED in self.output or self.output.endswith("EOF")


@dataclass
class _Collected:
    errors: list[Message] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    summary: Summary | None = None
    unparsed: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        match event:
            case Summary():
                self.summary = event
            case Message(severity="error"):
                self.errors.append(event)
            case Message():
                self.notes.append(event)


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
        self._environment = dict(os.environ if environment is None else environment)
        self._redact = Redactor(self._environment)
        self._running: set[asyncio.subprocess.Process] = set()

    async def update(
        self, verb: Verb, tenant: str, *arguments: str, on_event: OnEvent = lambda _: None
    ) -> Outcome:
        """Run one of the engine's updates without asking, and report what happens as it happens.

        Raises EngineError when there is no engine to run.
        """
        command = (verb, "--stack", tenant, "--yes", "--skip-preview", "--json", *arguments)
        process = await self._start(*command)
        collected = _Collected()
        assert process.stderr is not None  # noqa: S101 - a pipe, as _start asks
        said, _ = await asyncio.gather(process.stderr.read(), self._follow(process, collected, on_event))
        code = await self._finish(process)
        output = "\n".join([*collected.unparsed, said.decode(errors="replace")]).strip()
        errors = collected.errors or (collected.notes[-5:] if code and not output else [])
        return Outcome(
            code=code, output=self._redact(output), errors=tuple(errors), summary=collected.summary
        )

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

    async def _start(self, *command: str) -> asyncio.subprocess.Process:
        """In a session of its own, so that Ctrl-C in a terminal reaches the engine through us alone."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *command,
                "--non-interactive",
                "--color=never",
                cwd=self._project.folder,
                env=self._environment,
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
        self, process: asyncio.subprocess.Process, collected: _Collected, on_event: OnEvent
    ) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe, as _start asks
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
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
