"""JSON over HTTPS, a connection a call, bounded in time and size. No message holds a body or a header."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_runtime.errors import UnavailableError

MAX_ANSWER = 1 << 20
SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """A status, and the object that came with it: empty when none did."""

    status: int
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Service:
    """An HTTPS server that speaks JSON. `name` is what it is called in messages."""

    name: str
    host: str
    port: int
    context: ssl.SSLContext
    seconds: float = SECONDS

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises UnavailableError when no answer comes."""
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=self.seconds, context=self.context
        )
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, _object(response.read(MAX_ANSWER)))
        except (OSError, http.client.HTTPException) as error:
            place = f"{self.name} at {self.host}:{self.port}"
            raise UnavailableError(f"{place} can't be reached: {_reason(error)}") from error
        finally:
            connection.close()


def client_context(ca: Path, identity: Path | None = None) -> ssl.SSLContext:
    """TLS 1.3 with servers of this one CA, as the holder of the identity file when there is one."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if identity is not None:
        context.load_cert_chain(identity)
    return context


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        decoded = json.loads(content)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return str(error) or type(error).__name__
