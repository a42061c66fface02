"""One connection: HTTP/1.1 requests with small JSON bodies. Bodies and headers are never logged."""

import json
import logging
import re
import ssl
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from agent_runtime import certificates
from agent_runtime.server.routes import HttpError, Peer, Request, Routes, answer

MAX_BODY = 32 * 1024
_DIGITS = len(str(MAX_BODY))
IDLE_SECONDS = 60.0
logger = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    """Served by a subclass that has its routes."""

    routes: ClassVar[Routes]
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    connection: ssl.SSLSocket

    def setup(self) -> None:
        super().setup()
        self._peer = certificate_of(self.connection)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        peer = self._peer
        try:
            body = self._body()
            self._refuse_ended(peer)
            route = self.routes.find(self.command, self.path, peer)
            status, reply = 200, answer(route, Request(peer=peer, address=self.client_address[0], body=body))
        except HttpError as error:
            status, reply = error.status, {"error": str(error)}
        except TimeoutError:
            raise
        except Exception as error:
            logger.exception("%s %s failed: %s", self.command, self._place(), type(error).__name__)
            status, reply = 500, {"error": "it failed here; the journal says more"}
        who = peer.name if peer else self.client_address[0]
        logger.info("%s %s %s -> %d", who, self.command, self._place(), status)
        self._reply(status, reply)

    def _place(self) -> str:
        """The path, fit for a log: without a query, which may hold anything."""
        return re.sub(r"[^!-~]", "?", self.path.partition("?")[0][:100])

    def _body(self) -> dict[str, Any]:
        if self.headers.get("Transfer-Encoding") is not None:
            raise self._ending(411, "give the body's length in Content-Length")
        length = body_length(self.headers.get("Content-Length", "0"))
        if length is None:
            raise self._ending(413, f"a body has at most {MAX_BODY} bytes")
        content = self.rfile.read(length)
        try:
            decoded = json.loads(content) if content else {}
        except (ValueError, RecursionError):
            raise HttpError(400, "the body is no JSON") from None
        if not isinstance(decoded, dict):
            raise HttpError(400, "the body is no JSON object")
        return decoded

    def _refuse_ended(self, peer: Peer) -> None:
        """TLS has looked at its end when the connection began, and not since."""
        if peer is not None and peer.has_expired:
            raise self._ending(401, "your certificate has ended; renew it, and connect again")

    def _ending(self, status: int, message: str) -> HttpError:
        """An error that ends the connection: what follows on it is not known to be a request."""
        self.close_connection = True
        return HttpError(status, message)

    def _reply(self, status: int, reply: Mapping[str, Any]) -> None:
        content = json.dumps(reply).encode() + b"\n"
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses, in JSON as all else. It ends the connection."""
        del explain
        self.close_connection = True
        self._reply(int(code), {"error": message or self.responses.get(code, ("refused", ""))[0]})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is http.server's
        """Nothing: a request is logged once it is answered."""


def body_length(given: str) -> int | None:
    """What a Content-Length header says, or None for a number that is none or over the limit."""
    if len(given) > _DIGITS or not (given.isascii() and given.isdigit()):
        return None
    length = int(given)
    return length if length <= MAX_BODY else None


def certificate_of(connection: ssl.SSLSocket) -> Peer:
    """The certificate that the client showed, if TLS has verified it and it has one common name."""
    shown = connection.getpeercert(binary_form=True) if connection.getpeercert() else None
    if shown is None:
        return None
    found = certificates.parse(ssl.DER_cert_to_PEM_cert(shown))
    return found if found.name else None
