"""One operation of the engine on several tenants at once: progress, Ctrl-C, and what to say in the end."""

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import typer
from rich.console import Console

from components.errors import TenantryError
from stacks.engine import NO_STACK, Engine, Verb
from stacks.events import (
    QUIET_OPERATIONS,
    Event,
    Failed,
    Finished,
    Message,
    Started,
    Violation,
    kind_of,
    name_of,
)
from stacks.outcomes import Outcome
from stacks.resource_types import REMOTE

PROGRAM_ENDED = "an unhandled error occurred: program exited with non-zero exit code"
ENDINGS = (PROGRAM_ENDED, "update failed", "preview failed")
"""What the engine says when there is a reason, beside the reason."""
RAN = re.compile(r'\Aexit status \d+: running ".*":\n(?=.)', re.DOTALL)
"""What pulumi-command puts before the words of a command that failed: the whole of its script."""
LOST_HOST = "a host that is lost, or not trusted any more, is replaced by `python -m stacks.replace HOST`"
PLAN = "--plan="
"""The option by which an update is held to what was approved; a preview has none like it."""

INTERRUPTED = 130
"""What a shell reports for a program ended by Ctrl-C."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One tenant's outcome. `seconds` is wall time."""

    tenant: str
    outcome: Outcome
    seconds: float


class Progress:
    """Lines about what happens to each tenant: one when work on a resource starts, one when it is done."""

    def __init__(self, console: Console, tenants: Sequence[str]) -> None:
        self._console = console
        self._width = max(map(len, tenants), default=0)
        self._started: dict[str, float] = {}

    def of(self, tenant: str) -> Callable[[Event], None]:
        """What to call with each event of a tenant's update."""
        return lambda event: self._show(tenant, event)

    def line(self, tenant: str, text: str) -> None:
        """One line, beginning with the tenant's name."""
        self._console.print(f"{tenant:{self._width}}  {text}", markup=False, highlight=False, soft_wrap=True)

    def _show(self, tenant: str, event: Event) -> None:
        match event:
            case Started(urn=urn, operation=operation) if operation not in QUIET_OPERATIONS:
                self._started[urn] = time.monotonic()
            case Finished(urn=urn, operation=operation) if urn in self._started:
                seconds = time.monotonic() - self._started.pop(urn)
                self.line(tenant, f"{operation} {kind_of(urn)} {name_of(urn)} ({seconds:.1f} s)")
            case Failed(urn=urn, operation=operation):
                self.line(tenant, f"FAILED to {operation} {kind_of(urn)} {name_of(urn)}")
            case Message(severity="warning", text=text):
                self.line(tenant, f"warning: {text}")
            case Violation(text=text, policy=policy, is_mandatory=False):
                self.line(tenant, f"warning: {text} (rule {policy})")


async def run_all(
    engine: Engine,
    verb: Verb,
    tenants: Sequence[str],
    progress: Progress,
    options: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Result]:
    """The operation on all tenants side by side, with each one's own options.

    One that fails doesn't stop the others.
    """

    async def one(tenant: str) -> Result:
        begun = time.monotonic()
        outcome = await _with_stack(engine, verb, tenant, progress, options.get(tenant, ()))
        return Result(tenant=tenant, outcome=outcome, seconds=time.monotonic() - begun)

    return await asyncio.gather(*(one(tenant) for tenant in tenants))


async def _with_stack(
    engine: Engine, verb: Verb, tenant: str, progress: Progress, arguments: Sequence[str]
) -> Outcome:
    if verb == "up":
        return await _up(engine, tenant, progress, arguments)
    outcome = await engine.update(verb, tenant, *arguments, on_event=progress.of(tenant))
    if outcome.succeeded or NO_STACK not in outcome.output:
        return outcome
    return Outcome(code=0, output="there is no such stack: nothing to do")


async def _up(engine: Engine, tenant: str, progress: Progress, arguments: Sequence[str]) -> Outcome:
    """A preview first, always: some rules judge a stack as a whole, and in an update that is too late.

    An update that would change nothing isn't begun.
    """
    wanted = [argument for argument in arguments if not argument.startswith(PLAN)]
    preview = await engine.preview(tenant, *wanted)
    if NO_STACK in preview.outcome.output:
        await engine.ensure_stack(tenant)
        preview = await engine.preview(tenant, *wanted)
    if not preview.passed:
        return preview.refusal
    if preview.changes_nothing:
        return preview.outcome
    return await engine.update("up", tenant, *arguments, on_event=progress.of(tenant))


def explain(result: Result) -> str:
    """What a person needs to know of one tenant's outcome."""
    outcome = result.outcome
    if outcome.succeeded:
        counted = outcome.summary.changes if outcome.summary else {}
        changed = ", ".join(f"{count} {operation}" for operation, count in sorted(counted.items()))
        word = "done" if outcome.changes else "no changes"
        return f"{word} in {result.seconds:.1f} s ({changed or outcome.output})"
    if outcome.needs_recovery:
        return (
            f"{outcome.output}\nwhen no other update is running: `python -m stacks.recover {result.tenant}` "
            "(on the local cloud: `make recover`)"
        )
    reasons = [_broken(violation) for violation in outcome.violations if violation.is_mandatory]
    reasons += [_reason(message) for message in outcome.errors]
    if len(reasons) > 1:  # somebody gave a reason: that the program or the update ended says nothing more
        reasons = [reason for reason in reasons if not reason.startswith(ENDINGS)]
    if any(REMOTE in message.urn for message in outcome.errors):
        reasons.append(LOST_HOST)
    return (
        "\n".join(dict.fromkeys(filter(None, reasons)))
        or outcome.output
        or f"the engine ended with {outcome.code}"
    )


def _broken(violation: Violation) -> str:
    """A broken rule, with where to read of it."""
    whose = f"{kind_of(violation.urn)} {name_of(violation.urn)}: " if violation.urn else ""
    return f"{whose}{violation.text} ({violation.severity}; docs/policies/{violation.policy}.md)"


def _reason(message: Message) -> str:
    if not message.urn:
        return message.text
    name = name_of(message.urn)
    said = re.sub(rf"\A\S+ {re.escape(name)}: ", "", message.text)  # some providers name the resource too
    said = RAN.sub("", said)
    return f"{kind_of(message.urn)} {name}: {said}"


def report(results: Sequence[Result], progress: Progress, *, as_json: bool) -> None:
    """Say how it ended: a few lines a tenant, or JSON on standard output."""
    if as_json:
        sys.stdout.write(f"{_json(results)}\n")
        return
    for result in results:
        for line in explain(result).splitlines():
            progress.line(result.tenant, line)


def write_files(*files: tuple[Path | None, str]) -> None:
    """Each text into its file, whose folder is made; None is a file that nobody asked for."""
    for path, text in files:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def _json(results: Sequence[Result]) -> str:
    return json.dumps(
        {
            result.tenant: {
                "succeeded": result.outcome.succeeded,
                "seconds": round(result.seconds, 2),
                "changes": dict(result.outcome.summary.changes) if result.outcome.summary else {},
                "message": explain(result),
            }
            for result in results
        },
        indent=2,
    )


def command(engine: Engine, work: Callable[[], Coroutine[None, None, int]], console: Console) -> int:
    """Run a command's work.

    Ctrl-C and SIGTERM become the engine's own cancellation, once in order, twice at once.
    """
    interrupted = False

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        nonlocal interrupted
        count = engine.interrupt()
        if not count:
            raise KeyboardInterrupt
        again = "stopping at once" if interrupted else "cancelling; what is in flight is finished first"
        console.print(f"{again} ({count} running)", highlight=False)
        interrupted = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        code = asyncio.run(work())
    except KeyboardInterrupt:
        return INTERRUPTED
    except TenantryError as error:
        console.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return INTERRUPTED if interrupted else code


def start(function: Callable[..., None]) -> None:
    """Run a function as a command line; a traceback never shows variables, which may be secrets."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    app()


def errors_console() -> Console:
    """Progress and errors go to standard error, results to standard output."""
    return Console(file=sys.stderr)
