"""Calls to an API: which refusals pass, how long to wait before the next try, and where no key is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from toolchain.plugins.base.errors import NotConfigured, ProviderError
from toolchain.plugins.base.waiting import Waiter

T = TypeVar("T")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED_BEFORE_ACTING = frozenset({429, 503})
"""Answers after which nothing has been made, so that even a create may be sent again."""
PASSING = REFUSED_BEFORE_ACTING | {408, 500, 502, 504}


class ApiError(ProviderError):
    """An API's refusal. `status` 0: no answer came; `sent` tells whether the request had gone out."""

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
class Patience:
    """How often a call is made again, and the waits before that, in seconds."""

    retries: int = 4
    shortest_wait: float = 1.0
    longest_wait: float = 30.0

    def wait(self, attempt: int, asked: float | None) -> float:
        """Before the attempt after this one, or as the API has asked for."""
        if asked is not None:
            return min(max(asked, 0.0), self.longest_wait)
        return min(self.shortest_wait * 2.0**attempt, self.longest_wait)


def nothing(_: ApiError) -> None:
    """There is nothing to recover: the call is made again."""


def persist(
    call: Callable[[], T],
    patience: Patience,
    waiter: Waiter,
    *,
    recover: Callable[[ApiError], T | None] = nothing,
) -> T:
    """The answer of a call, made again while its failure is a passing one, unless `recover` finds an answer.

    Raises the last ApiError; Cancelled.
    """
    for attempt in range(patience.retries + 1):
        try:
            return call()
        except ApiError as error:
            if not error.passing or attempt == patience.retries:
                raise
            waiter.pause(patience.wait(attempt, error.retry_after))
            if (found := recover(error)) is not None:
                return found
    raise AssertionError("the last attempt returns or raises")


def check_endpoint(endpoint: str, setting: str) -> None:
    """Raises NotConfigured for plain http to another machine: a key would be read on the way."""
    url = urlsplit(endpoint)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise NotConfigured(f"{endpoint}: a token is not sent over plain http; use https in {setting}")
