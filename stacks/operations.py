"""One operation of the engine on several tenants at once: progress, Ctrl-C, and what to say in the end."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

import typer
from rich.console import Console

from stacks.engine import NO_STACK, Engine, Outcome, Verb
from stacks.errors import StacksError
from stacks.events import QUIET_OPERATIONS, Event, Failed, Finished, Message, Started, kind_of, name_of

PROGRAM_ENDED = "an unhandled error occurred: program exited with non-zero exit code"
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


async def run_all(
    engine: Engine, verb: Verb, tenants: Sequence[str], progress: Progress, *arguments: str
) -> list[Result]:
    """The operation on all tenants side by side. One that fails doesn't stop the others."""

    async def one(tenant: str) -> Result:
        begun = time.monotonic()
        outcome = await _with_stack(engine, verb, tenant, progress, arguments)
        return Result(tenant=tenant, outcome=outcome, seconds=time.monotonic() - begun)

    return await asyncio.gather(*(one(tenant) for tenant in tenants))


async def _with_stack(
    engine: Engine, verb: Verb, tenant: str, progress: Progress, arguments: Sequence[str]
) -> Outcome:
    outcome = await engine.update(verb, tenant, *arguments, on_event=progress.of(tenant))
    if outcome.succeeded or NO_STACK not in outcome.output:
        return outcome
    if verb != "up":
        return Outcome(code=0, output="there is no such stack: nothing to do")
    await engine.ensure_stack(tenant)
    return await engine.update(verb, tenant, *arguments, on_event=progress.of(tenant))


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
    reasons = [_reason(message) for message in outcome.errors]
    if len(reasons) > 1:  # the program gave its reason: that it ended says nothing more
        reasons = [reason for reason in reasons if not reason.startswith(PROGRAM_ENDED)]
    return (
        "\n".join(dict.fromkeys(filter(None, reasons)))
        or outcome.output
        or f"the engine ended with {outcome.code}"
    )


def _reason(message: Message) -> str:
    if not message.urn:
        return message.text
    return f"{kind_of(message.urn)} {name_of(message.urn)}: {message.text}"


def report(results: Sequence[Result], progress: Progress, *, as_json: bool) -> None:
    """Say how it ended: a few lines a tenant, or JSON on standard output."""
    if as_json:
        sys.stdout.write(f"{_json(results)}\n")
        return
    for result in results:
        for line in explain(result).splitlines():
            progress.line(result.tenant, line)


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
    except StacksError as error:
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
