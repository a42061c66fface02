"""The probe program, run here as it runs in a host: fed through standard input, asked over pipes."""

import asyncio
import socket
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from stacks.errors import ConsoleError
from stacks.verification.console import CommandTransport, Probe


class Here:
    """A way into this machine."""

    async def start(self, host: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        del host
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *command[1:],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


def _ask(*questions: dict[str, Any]) -> list[dict[str, Any]]:
    async def conversation() -> list[dict[str, Any]]:
        probe = await Probe.start(Here(), "here")
        try:
            return [await probe.ask(question, seconds=20) for question in questions]
        finally:
            await probe.close()

    return asyncio.run(conversation())


def _free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_listener_answers_over_tcp_and_udp() -> None:
    tcp, udp = _free_port(), _free_port(socket.SOCK_DGRAM)
    targets = [["tcp", "127.0.0.1", tcp, 5], ["udp", "127.0.0.1", udp, 5]]
    bound, connected = _ask(
        {"do": "listen", "ports": [["tcp", tcp], ["udp", udp]]}, {"do": "connect", "targets": targets}
    )
    assert bound == {"bound": [["tcp", tcp], ["udp", udp]], "taken": []}, "both ports were free"
    assert connected["results"] == ["answered", "answered"], "open means that bytes came"


def test_a_port_that_is_taken_has_its_own_listener() -> None:
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        (answer,) = _ask({"do": "listen", "ports": [["tcp", port]]})
    assert answer["taken"] == [["tcp", port]], "sshd keeps its port"


def test_a_refusal_is_no_silence() -> None:
    (answer,) = _ask({"do": "connect", "targets": [["tcp", "127.0.0.1", _free_port(), 5]]})
    assert answer["results"] == ["refused"], "a refusal is a packet that came back"


def test_what_never_answers_is_silent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        (answer,) = _ask({"do": "connect", "targets": [["udp", "127.0.0.1", mute.getsockname()[1], 0.2]]})
    assert answer["results"] == ["silent"], "there is someone, who says nothing"


def test_listeners_end_with_the_probe() -> None:
    port = _free_port()
    _ask({"do": "listen", "ports": [["tcp", port]]})
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_a_host_without_credentials_says_so() -> None:
    database, cache = _ask({"do": "database"}, {"do": "cache"})
    assert "pg_service.conf" in database["err"], "what is missing"
    assert "cache.env" in cache["err"], "what is missing"


def test_a_console_that_fails_is_said_with_its_last_word() -> None:
    transport = CommandTransport({"TENANTRY_CONSOLE": "sh -c 'echo no such droplet >&2; exit 3'"})

    async def conversation() -> None:
        probe = await Probe.start(transport, "acme-agent-a-1")
        try:
            await probe.ask({"do": "cache"}, seconds=20)
        finally:
            await probe.close()

    with pytest.raises(ConsoleError, match=r"acme-agent-a-1.*no such droplet"):
        asyncio.run(conversation())


def test_a_console_that_isn_t_there_is_said_with_the_variable() -> None:
    transport = CommandTransport({"TENANTRY_CONSOLE": "/nowhere/console"})
    with pytest.raises(ConsoleError, match="TENANTRY_CONSOLE"):
        asyncio.run(Probe.start(transport, "acme-agent-a-1"))
