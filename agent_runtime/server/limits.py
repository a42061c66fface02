"""How much one peer may take: connections at a time, and calls a minute. The rest is left for others."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable

MINUTE = 60.0


class Connections:
    """Room for so many connections, and for so many of each address."""

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, address: str) -> bool:
        """Whether there was room."""
        with self._lock:
            if self._open.total() >= self._total or self._open[address] >= self._each:
                return False
            self._open[address] += 1
            return True

    def leave(self, address: str) -> None:
        with self._lock:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    @property
    def count(self) -> int:
        with self._lock:
            return self._open.total()


class Pace:
    """So many calls a minute from each address."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether one more call is within the pace; if so it counts."""
        now = self._clock()
        with self._lock:
            self._forget(now - MINUTE)
            calls = self._calls.setdefault(address, deque())
            if len(calls) >= self._per_minute:
                return False
            calls.append(now)
            return True

    def _forget(self, before: float) -> None:
        for address, calls in list(self._calls.items()):
            while calls and calls[0] <= before:
                calls.popleft()
            if not calls:
                del self._calls[address]
