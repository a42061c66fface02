"""The listening socket, and a thread a connection, which does its handshake: nobody else waits for it."""

import logging
import signal
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from agent_runtime.journal import tell_systemd
from agent_runtime.server.contexts import ServerContexts
from agent_runtime.server.handler import Handler
from agent_runtime.server.limits import Connections
from agent_runtime.server.routes import Routes

MAX_CONNECTIONS = 256
MAX_CONNECTIONS_OF_ONE = 32
HANDSHAKE_SECONDS = 10.0
LINGER_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Server(ThreadingMixIn, TCPServer):
    """Serves the routes at an address until it is told to stop."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], routes: Routes, contexts: ServerContexts) -> None:
        handler = type("RoutesHandler", (Handler,), {"routes": routes})
        self._contexts = contexts
        self.connections = Connections(MAX_CONNECTIONS, MAX_CONNECTIONS_OF_ONE)
        super().__init__(address, handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Room or no room. Over the limit a connection is closed before it costs a thread."""
        del request
        return self.connections.enter(client_address[0])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.leave(client_address[0])

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_SECONDS)
        context = self._contexts.current()
        with context.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as connection:
            try:
                connection.do_handshake()
            except ssl.SSLError:
                _end_in_order(connection)
                raise
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line, not a traceback: scanners and other tenants' clients are no faults of ours."""
        del request
        logger.info("connection from %s ended: %s", client_address[0], _reason())


def serve(server: Server) -> None:
    """Until SIGTERM: then nothing new is accepted, and answers under way have a moment to end."""
    stopping = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stopping.start())
    host, port = server.server_address[:2]
    logger.info("listening on %s:%s", host, port)
    tell_systemd("READY=1")
    server.serve_forever(poll_interval=0.2)
    tell_systemd("STOPPING=1")
    server.socket.close()


def _end_in_order(connection: ssl.SSLSocket) -> None:
    """Read what the client still sends: a reset would take from it the alert that says what is wrong."""
    deadline = time.monotonic() + LINGER_SECONDS
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LINGER_SECONDS)
        while connection.recv(1 << 16) and time.monotonic() < deadline:
            pass


def _reason() -> str:
    error = sys.exc_info()[1]
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "it was silent for too long"
    return type(error).__name__
