"""Tailscale's API through httpx: one call with retries, and errors in Tailscale's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from toolchain.plugins.base.calls import ApiError, Patience, check_endpoint, persist
from toolchain.plugins.base.errors import NotConfigured
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.tailscale.authorization import Credentials, TokenRefused

Json = dict[str, Any]
SECONDS = 60.0
"""As long as the official provider waits for an answer."""
HUJSON = "application/hujson"


@dataclass(frozen=True)
class Settings:
    """How to reach the API, and whose tailnet it is about."""

    base_url: str
    credentials: Credentials
    tailnet: str = "-"
    user_agent: str | None = None
    patience: Patience = field(default_factory=Patience)


class Api:
    """A client for one tailnet. Thread-safe."""

    def __init__(self, waiter: Waiter) -> None:
        self._settings: Settings | None = None
        self._client: httpx.Client | None = None
        self.waiter = waiter

    def configure(self, settings: Settings) -> None:
        """Say where the API is. Raises NotConfigured if a key must not be sent there."""
        check_endpoint(settings.base_url, "tailscale:baseUrl")
        headers = {"User-Agent": settings.user_agent} if settings.user_agent else {}
        self.close()
        self._settings = settings
        self._client = httpx.Client(
            base_url=settings.base_url, auth=settings.credentials.auth(), headers=headers, timeout=SECONDS
        )

    def close(self) -> None:
        """Let go of the connections that are kept for the next call."""
        if self._client is not None:
            self._client.close()

    @property
    def is_configured(self) -> bool:
        return self._settings is not None

    def tailnet(self, *parts: str) -> str:
        """The path of something in the tailnet."""
        return path("tailnet", self._configured[0].tailnet, *parts)

    def get(self, where: str, **parameters: str | list[str]) -> Json:
        """What the API says of a thing. Raises ApiError; Cancelled."""
        return _json(self._call("GET", where, params=parameters))

    def find(self, where: str) -> Json | None:
        """As `get`; None for a thing that isn't there."""
        try:
            return self.get(where)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def make(self, where: str, body: Json) -> Json:
        """Make a thing. Not sent again where that might make it twice."""
        return _json(self._call("POST", where, json=body, repeatable=False))

    def set(self, where: str, body: Json, *, method: str = "POST") -> Json:
        """Make a thing be as the body says."""
        return _json(self._call(method, where, json=body))

    def delete(self, where: str) -> None:
        """Remove a thing. That it has gone already is success."""
        try:
            self._call("DELETE", where)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def policy(self) -> str:
        """The tailnet's policy file, as whoever wrote it did."""
        return self._call("GET", self.tailnet("acl"), headers={"Accept": HUJSON}).text

    def set_policy(self, text: str, *, only_if: str | None = None) -> None:
        """Replace the policy file; `only_if` is the ETag that it must still have."""
        headers = {"Content-Type": HUJSON, **({"If-Match": f'"{only_if}"'} if only_if else {})}
        self._call("POST", self.tailnet("acl"), headers=headers, content=text)

    def validate_policy(self, text: str) -> Json:
        """What is wrong with a policy file: its `message` is empty or absent if nothing is."""
        where, headers = self.tailnet("acl", "validate"), {"Content-Type": HUJSON}
        return _json(self._call("POST", where, headers=headers, content=text))

    @property
    def _configured(self) -> tuple[Settings, httpx.Client]:
        if self._settings is None or self._client is None:
            raise NotConfigured(
                "the provider's settings aren't known yet; they must not depend on a resource"
            )
        return self._settings, self._client

    def _call(self, method: str, where: str, *, repeatable: bool = True, **request: Any) -> httpx.Response:
        settings, client = self._configured

        def call() -> httpx.Response:
            return _call_once(client, method, where, **request)

        def refuse(error: ApiError) -> None:
            if error.ambiguous and not repeatable:
                raise error

        return persist(call, settings.patience, self.waiter, recover=refuse)


def path(*parts: str) -> str:
    return "/api/v2/" + "/".join(quote(part, safe="") for part in parts)


def _call_once(client: httpx.Client, method: str, where: str, **request: Any) -> httpx.Response:
    try:
        answer = client.request(method, where, **request)
    except TokenRefused as refused:
        raise refusal("POST", refused.answer) from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _unreachable(client, error, sent=False) from None
    except httpx.HTTPError as error:
        raise _unreachable(client, error, sent=True) from None
    if answer.is_error:
        raise refusal(method, answer)
    return answer


def _unreachable(client: httpx.Client, error: Exception, *, sent: bool) -> ApiError:
    reason = "the connection broke before an answer came" if sent else "nothing answers there"
    return ApiError(
        0,
        f"{client.base_url}: {reason} ({type(error).__name__}); check tailscale:baseUrl or "
        "TAILSCALE_BASE_URL, and that the API runs",
        sent=sent,
    )


def refusal(method: str, answer: httpx.Response) -> ApiError:
    """The error of an answer, with everything that the API says and nothing that it was sent."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    said = said if isinstance(said, Mapping) else {}
    message = said.get("message") or said.get("error_description") or said.get("error") or "no message"
    hint = "; check the API key or the OAuth client" if answer.status_code == HTTPStatus.UNAUTHORIZED else ""
    after = answer.headers.get("retry-after", "")
    return ApiError(
        answer.status_code,
        f"{method} {answer.request.url.path}: {answer.status_code} {answer.reason_phrase}: "
        f"{message}{details(said)}{hint}",
        retry_after=float(after) if after.isdigit() else None,
    )


def details(said: Mapping[str, Any]) -> str:
    """What the API adds to its message: errors by whom they are about."""
    found = [
        f"{each.get('user') or 'the policy'}: {', '.join(map(str, each.get('errors') or ()))}"
        for each in said.get("data") or ()
        if isinstance(each, Mapping)
    ]
    return f" ({'; '.join(found)})" if found else ""


def _json(answer: httpx.Response) -> Json:
    if not answer.content:
        return {}
    said = answer.json()
    return cast("Json", said) if isinstance(said, dict) else {}
