"""The probe program, run here as it runs in a host: fed through standard input, asked over pipes."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from piped_channel import Here

from components.flows import Endpoint
from stacks.errors import HostError
from stacks.verification.hosts import Member
from stacks.verification.ssh import MeshTransport, Probe

HOST = Member(tenant="acme", tier=Endpoint.AGENT, name="acme-agent-a-1", address="127.0.0.1")
HERE = "127.0.0.1"


def _ask(
    *questions: dict[str, Any], transport: Here | None = None, seconds: float = 20
) -> list[dict[str, Any]]:
    async def conversation() -> list[dict[str, Any]]:
        with ThreadPoolExecutor() as threads:
            probe = await Probe.start(transport or Here(), HOST, threads)
            try:
                return [await probe.ask(question, seconds=seconds) for question in questions]
            finally:
                await probe.close()

    return asyncio.run(conversation())


def _free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def _listen(*ports: Sequence[object]) -> dict[str, Any]:
    return {"do": "listen", "addresses": [HERE], "ports": list(ports)}


def test_a_listener_answers_over_tcp_and_udp() -> None:
    tcp, udp = _free_port(), _free_port(socket.SOCK_DGRAM)
    targets = [["tcp", HERE, tcp, 5], ["udp", HERE, udp, 5]]
    bound, connected = _ask(_listen(["tcp", tcp], ["udp", udp]), {"do": "connect", "targets": targets})
    assert (bound["bound"], bound["taken"]) == ([["tcp", HERE, tcp], ["udp", HERE, udp]], []), (
        "both were free"
    )
    assert connected["results"] == ["answered", "answered"], "open means that bytes came"


def test_a_port_that_is_taken_has_its_own_listener() -> None:
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
        (answer,) = _ask(_listen(["tcp", port]))
    assert answer["taken"] == [["tcp", HERE, port]], "sshd keeps its port"


def test_a_refusal_is_no_silence() -> None:
    (answer,) = _ask({"do": "connect", "targets": [["tcp", HERE, _free_port(), 5]]})
    assert answer["results"] == ["refused"], "a refusal is a packet that came back"


def test_what_never_answers_is_silent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((HERE, 0))
        (answer,) = _ask({"do": "connect", "targets": [["udp", HERE, mute.getsockname()[1], 0.2]]})
    assert answer["results"] == ["silent"], "there is someone, who says nothing"


def test_listeners_end_with_the_probe() -> None:
    port = _free_port()
    _ask(_listen(["tcp", port]))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HERE, port), timeout=2)


def test_a_host_without_credentials_says_so() -> None:
    database, cache = _ask({"do": "database"}, {"do": "cache"})
    assert "pg_service.conf" in database["err"], "what is missing"
    assert "cache.env" in cache["err"], "what is missing"


def test_a_probe_that_ends_is_said_with_its_last_word() -> None:
    failing = Here(lambda *_: ["sh", "-c", "echo sudo: a password is required >&2; exit 1"])
    with pytest.raises(HostError, match=r"acme-agent-a-1.*a password is required"):
        _ask({"do": "cache"}, transport=failing)


def test_a_probe_that_hangs_is_given_up() -> None:
    mute = Here(lambda *_: ["sh", "-c", "cat >/dev/null"])
    with pytest.raises(HostError, match=r"acme-agent-a-1.*no answer to 'cache'"):
        _ask({"do": "cache"}, transport=mute, seconds=0.2)


def test_a_host_outside_the_mesh_is_named_with_the_way_out() -> None:
    with pytest.raises(HostError, match=r"acme-agent-a-1.*not in the mesh.*stacks\.replace acme-agent-a-1"):
        MeshTransport().start(HOST, ("true",))
