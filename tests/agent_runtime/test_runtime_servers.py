"""The server: mutual TLS, bounds on what a peer may take, a new certificate without a dropped connection."""

import http.client
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_driver import LOOPBACK, Authority, running

from agent_runtime import certificates
from agent_runtime.https import client_context
from agent_runtime.server import server as server_module
from agent_runtime.server.contexts import ServerContexts
from agent_runtime.server.handler import MAX_BODY, body_length
from agent_runtime.server.routes import Request, Route, Routes
from agent_runtime.server.server import Server

NAME = "server.acme.tenantry.internal"


@dataclass(frozen=True)
class Served:
    port: int
    identity: Path
    ca: Path
    client: Path
    server: Server
    closing: ExitStack

    def connection(self, identity: Path | None = None) -> http.client.HTTPSConnection:
        return self.connection_by(client_context(self.ca, identity or self.client))

    def connection_by(self, context: ssl.SSLContext) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(NAME, self.port, timeout=5, context=context)
        self.closing.callback(connection.close)
        return connection


@pytest.fixture
def served(tmp_path: Path, authority: Authority) -> Iterator[Served]:
    identity = authority.issue(tmp_path / "server.pem", NAME)
    client = authority.issue(tmp_path / "client.pem", "acme-agent-writer-1")
    routes = Routes(
        Route(method="GET", path="/who", may=lambda _: True, handle=_who),
        Route(method="POST", path="/echo", may=lambda _: True, handle=_echo, fields=frozenset({"text"})),
        Route(method="GET", path="/mine", may=lambda peer: peer is None, handle=lambda _: {}),
        Route(method="GET", path="/broken", may=lambda _: True, handle=lambda _: {"never": 1 // 0}),
    )
    contexts = ServerContexts(identity, authority.file, clients=ssl.CERT_REQUIRED)
    server = Server((LOOPBACK, 0), routes, contexts)
    with running(server) as port, ExitStack() as closing:
        yield Served(port, identity, authority.file, client, server, closing)


def _who(request: Request) -> dict[str, str]:
    return {"peer": request.peer.name if request.peer else "nobody"}


def _echo(request: Request) -> dict[str, str]:
    return {"text": request.body["text"]}


def status_of(connection: http.client.HTTPConnection, method: str = "GET", path: str = "/who") -> int:
    connection.request(method, path)
    response = connection.getresponse()
    response.read()
    return response.status


def serial_shown(connection: http.client.HTTPSConnection) -> str:
    shown = connection.sock.getpeercert(binary_form=True)
    assert shown is not None
    return certificates.parse(ssl.DER_cert_to_PEM_cert(shown)).serial


def test_a_connection_goes_on_across_a_renewal_and_the_next_one_has_the_new_certificate(
    served: Served, authority: Authority
) -> None:
    old = served.connection()
    assert status_of(old) == 200
    before, sock = serial_shown(old), old.sock
    authority.issue(served.identity, NAME)
    renewed = certificates.read(served.identity).serial
    new = served.connection()
    assert status_of(new) == 200
    assert serial_shown(new) == renewed != before
    assert status_of(old) == 200
    assert old.sock is sock, "it is the same connection, not a second one"


def test_a_half_written_identity_changes_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.identity.write_text("half of a cert")
    assert status_of(served.connection()) == 200, "new connections get the certificate from before"
    assert "can't be used for TLS" in caplog.text


def test_a_client_of_another_authority_gets_no_connection(served: Served, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "globex").issue(tmp_path / "s.pem", "acme-agent-writer-1")
    with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
        status_of(served.connection(stranger))


def test_a_client_without_a_certificate_gets_no_answer(served: Served) -> None:
    connection = served.connection_by(client_context(served.ca))
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
        status_of(connection)


def test_a_clients_expired_certificate_is_refused(
    served: Served, authority: Authority, tmp_path: Path
) -> None:
    late = authority.issue(tmp_path / "late.pem", "acme-agent-writer-1", lives=timedelta(0))
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.expired"):
        status_of(served.connection(late))


def test_tls_1_2_is_refused(served: Served) -> None:
    context = ssl.create_default_context(cafile=served.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        status_of(served.connection_by(context))


def test_no_session_is_resumed_without_showing_the_certificate(served: Served) -> None:
    connection = served.connection()
    assert status_of(connection) == 200
    session = connection.sock.session
    assert session is None or not session.has_ticket


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/mine", 403), ("POST", "/who", 405), ("GET", "/nothing", 404)]
)
def test_who_may_not_is_told(served: Served, method: str, path: str, status: int) -> None:
    assert status_of(served.connection(), method, path) == status


def test_a_fault_of_ours_is_told_without_its_inside(served: Served) -> None:
    connection = served.connection()
    connection.request("GET", "/broken")
    answer = connection.getresponse()
    assert (answer.status, b"ZeroDivision" in answer.read()) == (500, False)


def test_a_body_over_the_limit_is_refused_unread(served: Served) -> None:
    connection = served.connection()
    connection.putrequest("POST", "/echo")
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_body_of_unknown_length_is_refused(served: Served) -> None:
    connection = served.connection()
    connection.putrequest("POST", "/echo")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (411, "close")


def test_zeros_before_a_length_hide_nothing(served: Served) -> None:
    connection = served.connection()
    connection.connect()
    length = "0" * 10 + str(200 * 2**20)
    connection.sock.sendall(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    assert b" 413 " in connection.sock.recv(100)


@given(st.text() | st.integers().map(str) | st.from_regex(r"\A0*[0-9]{1,12}\Z"))
def test_no_header_makes_a_length_over_the_limit(given_length: str) -> None:
    length = body_length(given_length)
    assert length is None or 0 <= length <= MAX_BODY
    assert length is None or length == int(given_length), "both mean the same number"


@given(st.integers(min_value=0, max_value=MAX_BODY))
def test_every_length_within_the_limit_is_taken(length: int) -> None:
    assert body_length(str(length)) == length


def test_a_connection_ends_with_its_clients_certificate(
    served: Served, authority: Authority, tmp_path: Path
) -> None:
    brief = authority.issue(tmp_path / "brief.pem", "acme-agent-writer-1", lives=timedelta(seconds=5))
    connection = served.connection(brief)
    assert status_of(connection) == 200
    while not certificates.read(brief).has_expired:
        time.sleep(0.05)
    connection.request("GET", "/who")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (401, "close")
    assert b"renew it" in answer.read()


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "0x10", "99999999999999999999"])
def test_a_length_that_is_no_number_is_refused(served: Served, length: str) -> None:
    connection = served.connection()
    connection.connect()
    connection.sock.sendall(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    assert b" 413 " in connection.sock.recv(100)


@pytest.mark.parametrize("body", [b"[1]", b"{", b'"x"', b"[" * 30000, b"\xff"])
def test_a_body_that_is_no_object_is_refused(served: Served, body: bytes) -> None:
    connection = served.connection()
    connection.request("POST", "/echo", body)
    assert connection.getresponse().status == 400


def test_bodies_are_in_no_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = served.connection()
    connection.request("POST", "/echo", b'{"text": "hush, hush"}', {"X-Note": "hush, hush"})
    assert b"hush" in connection.getresponse().read()
    assert "acme-agent-writer-1 POST /echo -> 200" in caplog.text
    assert "hush" not in caplog.text


def test_one_address_can_not_take_all_connections(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.server, "connections", server_module.Connections(10, 2))
    held = [served.connection() for _ in range(2)]
    assert [status_of(connection) for connection in held] == [200, 200]
    with pytest.raises(OSError, match=r"."):
        status_of(served.connection())
    held[0].close()
    deadline = time.monotonic() + 5
    while served.server.connections.count > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert status_of(served.connection()) == 200, "there is room again"


def test_who_says_nothing_holds_up_nobody(served: Served) -> None:
    with socket.create_connection((LOOPBACK, served.port), 5):
        assert status_of(served.connection()) == 200


def test_who_says_nothing_is_sent_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HANDSHAKE_SECONDS", 0.1)
    with socket.create_connection((LOOPBACK, served.port), 5) as silent:
        assert silent.recv(1) == b""
