"""Who calls the API: an API key, or an OAuth client or a workload identity that fetches a token first."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import httpx

from toolchain.plugins.base.errors import ProviderError

TOKEN = "/api/v2/oauth/token"
EXCHANGE = "/api/v2/oauth/token-exchange"
SECONDS_BEFORE_THE_END = 60.0
"""A token is fetched again before the old one ends: clocks differ, and a call takes its time."""


@dataclass(frozen=True)
class Credentials:
    """One of the three ways. Its representation holds no secret."""

    api_key: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    identity_token: str | None = field(default=None, repr=False)
    scopes: Sequence[str] = ()

    def auth(self) -> httpx.Auth:
        """The credentials as a client of the API takes them."""
        if self.api_key:
            return httpx.BasicAuth(self.api_key, "")
        if self.client_secret:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.client_id or "",
                "client_secret": self.client_secret,
                **({"scope": " ".join(self.scopes)} if self.scopes else {}),
            }
            return TokenAuth(TOKEN, form)
        return TokenAuth(EXCHANGE, {"client_id": self.client_id or "", "jwt": self.identity_token or ""})


class TokenAuth(httpx.Auth):
    """Fetches a token where it is missing or about to end. Thread-safe."""

    requires_response_body = True

    def __init__(self, path: str, form: Mapping[str, str]) -> None:
        self._path = path
        self._form = form
        self._lock = Lock()
        self._token = ""
        self._ends = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The requests to make: perhaps one for a token, then the one asked for."""
        with self._lock:
            if time.monotonic() >= self._ends:
                answer = yield httpx.Request("POST", request.url.join(self._path), data=dict(self._form))
                self._take(answer)
            token = self._token
        request.headers["Authorization"] = f"Bearer {token}"
        yield request

    def _take(self, answer: httpx.Response) -> None:
        answer.read()
        if answer.is_error:
            raise TokenRefused(answer)
        said = answer.json()
        self._token = str(said["access_token"])
        self._ends = time.monotonic() + float(said.get("expires_in", 0)) - SECONDS_BEFORE_THE_END


class TokenRefused(ProviderError):  # noqa: N818 - reads as what it says
    """The API gave no token."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__("no access token")
        self.answer = answer
