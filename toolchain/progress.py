"""What a long set-up shows while it works: each running step, its seconds, the last line of its program.

On a terminal the lines are redrawn in place; elsewhere (CI, a log file) each step says something when
it starts and ends, and every 15 seconds between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

INTERVAL = 15.0
"""Seconds between two lines of one step where there is no terminal."""


@dataclass
class Activity:
    """One step at work."""

    name: str
    started: float = field(default_factory=time.monotonic)
    line: str = "started"

    @property
    def seconds(self) -> int:
        return int(time.monotonic() - self.started)

    def __str__(self) -> str:
        return f"{self.name:<24} {self.seconds:>4} s  {self.line}"


class Progress:
    """Collects what the steps report, from several threads, and shows it while `shown` is entered."""

    def __init__(self, console: Console, interval: float = INTERVAL) -> None:
        self._console = console
        self._interval = interval
        self._activities: dict[str, Activity] = {}
        self._lock = threading.Lock()
        self.seconds: dict[str, int] = {}
        """How long each finished step took."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows the step from now to the end of the block."""
        activity = Activity(name)
        with self._lock:
            self._activities[name] = activity
        self.say(f"{name}: started")
        failed = True
        try:
            yield
            failed = False
        finally:
            with self._lock:
                self._activities.pop(name, None)
            self.seconds[name] = activity.seconds
            self.say(f"{name}: {'failed' if failed else 'done'} after {activity.seconds} s")

    def report(self, name: str, line: str) -> None:
        """Takes the last line of a step's output; blank ones are left out."""
        text = " ".join(line.split())
        with self._lock:
            if text and name in self._activities:
                self._activities[name].line = text

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keeps the picture up to date, from a thread of its own."""
        over = threading.Event()
        painter = threading.Thread(target=self._paint, args=(over,), daemon=True)
        painter.start()
        try:
            yield
        finally:
            over.set()
            painter.join()

    def say(self, text: str) -> None:
        """Prints one line at once, above what is redrawn."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _lines(self) -> list[str]:
        with self._lock:
            return [str(activity) for activity in self._activities.values()]

    def _paint(self, over: threading.Event) -> None:
        if self._console.is_terminal:
            self._redraw(over)
        else:
            while not over.wait(self._interval):
                for line in self._lines():
                    self.say(line)

    def _redraw(self, over: threading.Event) -> None:
        from rich.live import Live  # noqa: PLC0415  a set-up with nothing to do needs no drawing
        from rich.text import Text  # noqa: PLC0415

        with Live(console=self._console, transient=True, auto_refresh=False) as live:
            while not over.wait(0.5):
                text = Text("\n".join(self._lines()), no_wrap=True, overflow="ellipsis")
                live.update(text, refresh=True)
