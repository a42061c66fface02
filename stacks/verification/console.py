"""The way into a host, and the probe there: a process a host, spoken to over its standard streams.

Today the way is DigitalOcean's console (docs/adr/0008): TENANTRY_CONSOLE is the command that enters a host,
given its name and `-- COMMAND`. Whatever else can start a program in a host can stand in, behind `Transport`.
"""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from stacks.errors import ConsoleError
from stacks.redaction import Redactor

PROGRAM = Path(__file__).with_name("host_probe.py")
LOADER = "import sys; i = sys.stdin.buffer; exec(compile(i.read(int(i.readline())), 'host_probe', 'exec'))"
"""Runs the program that comes first on standard input, and leaves the rest of the input to it."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one answer."""


class Transport(Protocol):
    """Starts a command inside a host, its standard streams as pipes."""

    async def start(self, host: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        """Raises ConsoleError when the host can't be entered."""


class CommandTransport:
    """Enters a host by a command such as `python -m local_cloud console`."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        given = environment.get("TENANTRY_CONSOLE")
        self._prefix = shlex.split(given) if given else [sys.executable, "-m", "local_cloud", "console"]

    async def start(self, host: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._prefix,
                host,
                "--",
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
            )
        except OSError as error:
            msg = f"can't enter {host!r} by `{shlex.join(self._prefix)}`: {error}; correct TENANTRY_CONSOLE"
            raise ConsoleError(msg) from error


class Probe:
    """The probe program in one host: a question a line, an answer a line, until it is closed."""

    def __init__(self, host: str, process: asyncio.subprocess.Process) -> None:
        self.host = host
        self._process = process

    @classmethod
    async def start(cls, transport: Transport, host: str) -> "Probe":
        """Enter the host and hand it the program. Raises ConsoleError."""
        process = await transport.start(host, ("python3", "-c", LOADER))
        probe = cls(host, process)
        program = PROGRAM.read_bytes()
        await probe._send(f"{len(program)}\n".encode() + program)
        return probe

    async def ask(self, question: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """The answer; `seconds` is how long it may take. Raises ConsoleError when there is none."""
        await self._send(json.dumps(question).encode() + b"\n")
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as Transport says
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        except TimeoutError as error:
            msg = (
                f"{self.host!r} gave no answer to {question['do']!r} in {seconds:.0f} s: look at its console"
            )
            raise ConsoleError(msg) from error
        if not line:
            raise ConsoleError(await self._why_it_ended(str(question["do"])))
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def close(self) -> None:
        """End the program: it takes its listeners with it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as Transport says
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def _why_it_ended(self, question: str) -> str:
        assert self._process.stderr is not None  # noqa: S101 - a pipe, as Transport says
        said = (await self._process.stderr.read()).decode(errors="replace").strip()
        last = Redactor()(said).splitlines()[-1:] or ["it said nothing"]
        return f"the probe in {self.host!r} ended at {question!r}: {last[0]}"
