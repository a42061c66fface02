"""DigitalOcean's API through pydo: one call with retries, and errors in DigitalOcean's own words."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast
from urllib.parse import urlsplit

from toolchain.plugins.base.calls import ApiError, Patience, check_endpoint, nothing, persist
from toolchain.plugins.base.errors import NotConfigured
from toolchain.plugins.base.waiting import Waiter

Json = dict[str, Any]
PAGE = 200
"""The most items of a page that the API gives."""


@dataclass(frozen=True)
class Settings:
    """How to reach the API. The waits are the official provider's."""

    endpoint: str
    token: str
    patience: Patience = field(default_factory=Patience)

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
        check_endpoint(settings.endpoint, "digitalocean:apiEndpoint")
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
        return self._persist(operation, arguments, options, nothing)

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
        def call() -> Json:
            return self._call_once(operation, arguments, options)

        return persist(call, self.settings.patience, self.waiter, recover=recover)

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
