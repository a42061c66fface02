"""The TLS context of new connections: of the identity file as it is now, so a renewal drops no connection."""

import logging
import ssl
import threading
from pathlib import Path

from agent_runtime.errors import IdentityError

logger = logging.getLogger(__name__)


class ServerContexts:
    """Connections that are open keep the context they began with; the next one gets the new certificate.

    Clients are known by the tenant's CA alone: another tenant's certificate ends the handshake.
    """

    def __init__(self, identity: Path, ca: Path, *, clients: ssl.VerifyMode) -> None:
        self._identity = identity
        self._ca = ca
        self._clients = clients
        self._lock = threading.Lock()
        self._seen = _version(identity)
        self._context = self._made()

    def current(self) -> ssl.SSLContext:
        with self._lock:
            try:
                version = _version(self._identity)
                if version != self._seen:
                    self._context, self._seen = self._made(), version
            except IdentityError as error:
                logger.error("%s; new connections get the certificate from before", error)  # noqa: TRY400
            return self._context

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0  # a resumed session would not show its certificate again
        context.verify_mode = self._clients
        try:
            context.load_verify_locations(self._ca)
            context.load_cert_chain(self._identity)
        except (OSError, ssl.SSLError) as error:
            raise IdentityError(f"{self._identity} or {self._ca} can't be used for TLS: {error}") from error
        return context


def _version(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise IdentityError(f"{path} can't be read: {error.strerror}; enrol this host again") from error
    return found.st_ino, found.st_mtime_ns, found.st_size
