"""Who a bearer token belongs to, and how many calls it has left. In memory: it is asked on every call."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from local_cloud.digitalocean.ids import token_digest

WINDOW_SECONDS = 3600
CALLS_PER_WINDOW = 5_000
"""DigitalOcean's limit; it is told in headers, and enforced for accounts that were made with one."""


@dataclass
class Holder:
    """An account at the door. `rate_limit` None: the headers count, but nobody is turned away."""

    account_id: int
    admin: bool
    rate_limit: int | None
    calls: deque[float] = field(default_factory=deque)


@dataclass(frozen=True)
class Quota:
    limit: int
    remaining: int
    reset: int
    exceeded: bool


class Tokens:
    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}
        self._lock = threading.Lock()

    def admit(self, digest: str, holder: Holder) -> None:
        self._holders[digest] = holder

    def holder(self, authorization: str) -> Holder | None:
        """The account of an Authorization header's value, or None."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        return self._holders.get(token_digest(token.strip()))

    def count(self, holder: Holder) -> Quota:
        """Counts a call and says what is left in the sliding window."""
        moment = time.time()
        limit = holder.rate_limit or CALLS_PER_WINDOW
        with self._lock:
            while holder.calls and holder.calls[0] <= moment - WINDOW_SECONDS:
                holder.calls.popleft()
            exceeded = holder.rate_limit is not None and len(holder.calls) >= limit
            if not exceeded:
                holder.calls.append(moment)
            oldest = holder.calls[0] if holder.calls else moment
            remaining = max(limit - len(holder.calls), 0 if holder.rate_limit else 1)
        return Quota(limit, remaining, int(oldest + WINDOW_SECONDS), exceeded)
