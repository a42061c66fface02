"""The way into a host, over the mesh, and the probe there: a process a host, spoken to over its streams.

Hosts are entered as the operator (stacks/identity.py), by a certificate that an SSH agent holds, and their
host keys are those that their stacks pinned: a host with another key is not spoken to.
"""

import asyncio
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol, Self

import paramiko
from paramiko import SSHException

from components.ssh import SshError, connected
from stacks.errors import HostError
from stacks.redaction import Redactor
from stacks.verification.hosts import Member

MODULES = ("commands", "facts", "services", "connections", "probe")
"""Of stacks.verification.on_host, each after those that it imports."""

LOADER = """\
import asyncio, json, sys, types
for name, source in json.loads(sys.stdin.buffer.readline()):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = []
    exec(compile(source, name, "exec"), vars(module))
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)
asyncio.run(module.main())
"""
"""Runs the modules that come in the first line of standard input, and leaves the rest of it to them."""

CONNECT_SECONDS = 10


def program() -> bytes:
    """The probe as LOADER takes it: module names and their sources, as one line of JSON."""
    package = "stacks.verification.on_host"
    parts = package.split(".")
    parents = [(".".join(parts[: count + 1]), "") for count in range(len(parts))]
    folder = Path(__file__).with_name("on_host")
    modules = [(f"{package}.{name}", (folder / f"{name}.py").read_text()) for name in MODULES]
    return json.dumps([*parents, *modules]).encode() + b"\n"


class Channel(Protocol):
    """A command in a host, by its standard streams. Methods block."""

    def send(self, data: bytes) -> None: ...

    def read_line(self, seconds: float) -> bytes:
        """A line of its output, empty at its end. Raises TimeoutError."""

    def why_it_ended(self) -> str: ...

    def close(self) -> None: ...


class Transport(Protocol):
    """Starts a command inside a host, as root."""

    def start(self, host: Member, command: Sequence[str]) -> Channel:
        """Raises HostError when the host can't be entered."""


class MeshTransport:
    """Enters a host by SSH, over the mesh, through Fabric."""

    def start(self, host: Member, command: Sequence[str]) -> Channel:
        if host.mesh_address is None or host.host_key is None:
            msg = f"{host.name!r} is not in the mesh: find out why, or `python -m stacks.replace {host.name}`"
            raise HostError(msg)
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(connected(host.name, host.mesh_address, host.host_key))
                session = connection.transport.open_session(timeout=CONNECT_SECONDS)
                session.exec_command(shlex.join(("sudo", "-n", *command)))
            except (SshError, SSHException, EOFError, OSError) as error:
                raise HostError(str(error)) from error
            return _Session(session, stack.pop_all())


class _Session:
    def __init__(self, session: paramiko.Channel, connection: ExitStack) -> None:
        self._session = session
        self._connection = connection
        self._output = session.makefile("rb")

    def send(self, data: bytes) -> None:
        with suppress(OSError):
            self._session.sendall(data)

    def read_line(self, seconds: float) -> bytes:
        self._session.settimeout(seconds)
        line: bytes = self._output.readline()
        return line

    def why_it_ended(self) -> str:
        said: bytes = self._session.makefile_stderr("rb").read()
        return said.decode(errors="replace").strip()

    def close(self) -> None:
        self._session.shutdown_write()
        self._session.close()
        self._connection.close()


class Probe:
    """The probe program in one host: a question a line, an answer a line, until it is closed."""

    def __init__(self, host: Member, channel: Channel, threads: ThreadPoolExecutor) -> None:
        self.host = host
        self._channel = channel
        self._threads = threads

    @classmethod
    async def start(cls, transport: Transport, host: Member, threads: ThreadPoolExecutor) -> Self:
        """Enter the host and hand it the program. Raises HostError."""

        def enter() -> Channel:
            channel = transport.start(host, ("python3", "-I", "-c", LOADER))
            channel.send(program())
            return channel

        return cls(host, await asyncio.get_running_loop().run_in_executor(threads, enter), threads)

    async def ask(self, question: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """The answer, and as `heard` when it came; `seconds` is how long it may take.

        Raises HostError when there is none.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._ask, dict(question), seconds
        )

    def _ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        self._channel.send(json.dumps(question).encode() + b"\n")
        try:
            line = self._channel.read_line(seconds)
        except TimeoutError as error:
            asked = f"{question['do']!r} in {seconds:.0f} s"
            raise HostError(f"{self.host.name!r} gave no answer to {asked}: look at its journal") from error
        if not line:
            last = Redactor()(self._channel.why_it_ended()).splitlines()[-1:] or ["it said nothing"]
            raise HostError(f"the probe in {self.host.name!r} ended at {question['do']!r}: {last[0]}")
        answer: dict[str, Any] = json.loads(line)
        return answer | {"heard": time.time()}

    async def close(self) -> None:
        """End the program: it takes its listeners with it."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._channel.close)
