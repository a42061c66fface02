"""DigitalOcean's API through pydo: one call with retries, and errors in DigitalOcean's own words."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast
from urllib.parse import urlsplit

from toolchain.plugins.base.errors import NotConfigured, ProviderError
from toolchain.plugins.base.waiting import Waiter

Json = dict[str, Any]
PAGE = 200
"""The most items of a page that the API gives."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED_BEFORE_ACTING = frozenset({429, 503})
"""Answers after which nothing has been made, so that even a create may be sent again."""
PASSING = REFUSED_BEFORE_ACTING | {408, 500, 502, 504}


class ApiError(ProviderError):
    """DigitalOcean's refusal. `status` 0: no answer came; `sent` tells whether the request had gone out."""

    def __init__(
        self, status: int, message: str, *, retry_after: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.sent = sent

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in PASSING

    @property
    def ambiguous(self) -> bool:
        """Whether the request may have been carried out although it failed."""
        return self.passing and self.sent and self.status not in REFUSED_BEFORE_ACTING


@dataclass(frozen=True)
class Settings:
    """How to reach the API. Waits are in seconds; the defaults are the official provider's."""

    endpoint: str
    token: str
    retries: int = 4
    shortest_wait: float = 1.0
    longest_wait: float = 30.0

    def __repr__(self) -> str:
        return f"Settings(endpoint={self.endpoint!r})"


class Api:
    """A client for one account. Thread-safe; pydo is loaded at the first call, for it takes a second."""

    def __init__(self, waiter: Waiter) -> None:
        self._settings: Settings | None = None
        self._loaded: Any = None
        self._loading = Lock()
        self.waiter = waiter

    def configure(self, settings: Settings) -> None:
        """Say where the API is. Raises NotConfigured if a token must not be sent there."""
        check_endpoint(settings.endpoint)
        self._settings, self._loaded = settings, None

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            raise NotConfigured(
                "the provider's settings aren't known yet; they must not depend on a resource"
            )
        return self._settings

    def call(self, operation: str, *arguments: Any, **options: Any) -> Json:
        """The answer of a pydo operation (`vpcs.get`), tried again while the failure is a passing one.

        Raises ApiError; Cancelled.
        """
        return self._persist(operation, arguments, options, lambda _: None)

    def create(self, operation: str, *arguments: Any, find: Callable[[], Json | None]) -> Json:
        """As `call`, for what must not be made twice.

        When it is unclear whether a request was carried out, `find` looks for its result before the next.
        """

        def recover(error: ApiError) -> Json | None:
            return find() if error.ambiguous else None

        return self._persist(operation, arguments, {}, recover)

    def items(self, operation: str, key: str, *arguments: Any, **options: Any) -> Iterator[Json]:
        """Every item of a paginated list, page after page."""
        page = 1
        while True:
            answer = self.call(operation, *arguments, per_page=PAGE, page=page, **options)
            found = answer.get(key) or []
            yield from found
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return
            page += 1

    def _persist(
        self, operation: str, arguments: Any, options: Any, recover: Callable[[ApiError], Json | None]
    ) -> Json:
        for attempt in range(self.settings.retries + 1):
            try:
                return self._call_once(operation, arguments, options)
            except ApiError as error:
                if not error.passing or attempt == self.settings.retries:
                    raise
                self.waiter.pause(self._wait(attempt, error.retry_after))
                if (found := recover(error)) is not None:
                    return found
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, attempt: int, asked: float | None) -> float:
        if asked is not None:
            return min(max(asked, 0.0), self.settings.longest_wait)
        return min(self.settings.shortest_wait * 2.0**attempt, self.settings.longest_wait)

    def _call_once(self, operation: str, arguments: Any, options: Any) -> Json:
        from azure.core.exceptions import (  # noqa: PLC0415 - loaded with pydo
            AzureError,
            HttpResponseError,
            ServiceRequestError,
        )

        group, name = operation.split(".")
        try:
            response, body = getattr(getattr(self._client, group), name)(*arguments, cls=_answer, **options)
        except HttpResponseError as error:
            response, body = error.response, _json(error.response)
        except ServiceRequestError as error:
            raise self._unreachable(operation, error, sent=False) from None
        except AzureError as error:
            raise self._unreachable(operation, error, sent=True) from None
        if response.status_code >= 400:
            raise _refusal(operation, response, body)
        return cast("Json", body or {})

    def _unreachable(self, operation: str, error: Exception, *, sent: bool) -> ApiError:
        reason = "the connection broke before an answer came" if sent else "nothing answers there"
        return ApiError(
            0,
            f"{operation}: {reason} ({self.settings.endpoint}, {type(error).__name__}); "
            "check digitalocean:apiEndpoint or DIGITALOCEAN_API_URL, and that the API runs",
            sent=sent,
        )

    @property
    def _client(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = _connect(self.settings)
            return self._loaded


def check_endpoint(endpoint: str) -> None:
    """Raises NotConfigured for plain http to another machine: a token would be read on the way."""
    url = urlsplit(endpoint)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise NotConfigured(
            f"{endpoint}: a token is not sent over plain http; use https in digitalocean:apiEndpoint"
        )


def _connect(settings: Settings) -> Any:
    import pydo  # noqa: PLC0415 - 21 MB of operations, needed by the first call only
    from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415 - loaded with pydo
    from azure.core.pipeline.policies import AzureKeyCredentialPolicy, RetryPolicy  # noqa: PLC0415

    options: dict[str, Any] = {}
    if (
        urlsplit(settings.endpoint).scheme == "http"
    ):  # azure-core's bearer policy refuses it, even on loopback
        credential = AzureKeyCredential(settings.token)
        policy = AzureKeyCredentialPolicy(credential, "Authorization", prefix="Bearer")
        options = {"authentication_policy": policy, "use_env_settings": False}
    retries = RetryPolicy.no_retries()
    return pydo.Client(settings.token, endpoint=settings.endpoint, retry_policy=retries, **options)


def _answer(pipeline_response: Any, body: Any, headers: Any) -> tuple[Any, Any]:
    del headers
    return pipeline_response.http_response, body


def _json(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return {}


def _refusal(operation: str, response: Any, body: Any) -> ApiError:
    said = body if isinstance(body, dict) else {}
    request = said.get("request_id") or response.headers.get("x-request-id")
    hint = (
        "; check the token (digitalocean:token or DIGITALOCEAN_TOKEN)" if response.status_code == 401 else ""
    )
    return ApiError(
        response.status_code,
        f"{operation}: {response.status_code} {said.get('id') or response.reason}: "
        f"{said.get('message') or 'no message'}{f' (request {request})' if request else ''}{hint}",
        retry_after=_asked_wait(response),
    )


def _asked_wait(response: Any) -> float | None:
    """Seconds: from `Retry-After`, or until `ratelimit-reset` (a Unix time) when calls have run out."""
    headers = response.headers
    if (after := headers.get("retry-after", "")).isdigit():
        return float(after)
    if response.status_code == 429 and (reset := headers.get("ratelimit-reset", "")).isdigit():
        return float(reset) - time.time()
    return None
