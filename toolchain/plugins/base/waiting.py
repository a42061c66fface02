"""Waiting for an API to finish what it began: short polls at first, a deadline, a way to be told to stop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

from toolchain.plugins.base.errors import Cancelled, TimedOut

T = TypeVar("T")

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0
GROWTH = 1.5


class Waiter:
    """Waits for conditions until the engine cancels."""

    def __init__(self) -> None:
        self._cancelled = Event()
        self._interruptions: list[Callable[[], None]] = []
        self._lock = Lock()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """End every wait, now and from now on, with `Cancelled`, and interrupt what else is under way."""
        with self._lock:
            self._cancelled.set()
            under_way = tuple(self._interruptions)
        for interrupt in under_way:
            interrupt()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While this lasts, cancelling calls `interrupt` too: at once if the engine has cancelled already."""
        with self._lock:
            self._interruptions.append(interrupt)
            late = self._cancelled.is_set()
        try:
            if late:
                interrupt()
            yield
        finally:
            with self._lock:
                self._interruptions.remove(interrupt)

    def pause(self, seconds: float) -> None:
        """Wait that long. Raises Cancelled at once if the engine cancels."""
        if self._cancelled.wait(seconds):
            raise Cancelled("cancelled by the engine; run the same command again to continue")

    def until(self, what: str, probe: Callable[[], T | None], *, seconds: float) -> T:
        """The first answer of `probe` that isn't None. `seconds` is the deadline.

        Raises TimedOut, which names `what` was awaited, and Cancelled.
        """
        deadline = time.monotonic() + seconds
        interval = FIRST_SECONDS
        while (answer := probe()) is None:
            if time.monotonic() + interval > deadline:
                raise TimedOut(
                    f"{what}: not done after {seconds:g} s; look at it, then run the command again"
                )
            self.pause(interval)
            interval = min(interval * GROWTH, LONGEST_SECONDS)
        return answer
