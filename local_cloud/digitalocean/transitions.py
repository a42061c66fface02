"""How long a change takes to show: at once, after some seconds, or after it was asked about some times."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, model_validator


class Transition(BaseModel):
    """`{"seconds": 2}` or `{"polls": 3}`; `{}` is at once. The real thing must be done as well, always."""

    model_config = ConfigDict(extra="forbid")

    seconds: float | None = None
    polls: int | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Transition":
        if self.seconds is not None and self.polls is not None:
            raise ValueError("give seconds or polls, not both")
        if min(self.seconds or 0, self.polls or 0) < 0:
            raise ValueError("a transition takes no negative time")
        return self


AT_ONCE = Transition()


@dataclass
class _Waiting:
    resource_id: str
    action_id: str
    polls: int
    finish: Callable[[], None]


@dataclass
class Transitions:
    """The settings, by kind of action ("droplet.create"), and who waits because of them."""

    settings: dict[str, Transition] = field(default_factory=dict)
    _waiting: list[_Waiting] = field(default_factory=list)
    _timers: set[threading.Timer] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def waiting(self) -> int:
        """How many real things are done and do not show yet."""
        with self._lock:
            return len(self._waiting) + len(self._timers)

    def configure(self, settings: Mapping[str, Transition]) -> None:
        """Replaces all settings; what waits already goes by the old ones."""
        self.settings = dict(settings)

    def after(
        self, kind: str, resource_id: str, action_id: int, started: float, finish: Callable[[], None]
    ) -> None:
        """Calls `finish` when the transition is over; `started` is a time.monotonic() in seconds."""
        transition = self.settings.get(kind, AT_ONCE)
        if transition.polls:
            with self._lock:
                self._waiting.append(_Waiting(resource_id, str(action_id), transition.polls, finish))
        elif (rest := (transition.seconds or 0) - (time.monotonic() - started)) > 0:
            self._later(rest, finish)
        else:
            finish()

    def poll(self, path: str) -> None:
        """Counts a look at a path; finishes what has been looked at often enough."""
        segments = set(path.split("/"))
        due = []
        with self._lock:
            for waiting in self._waiting:
                if segments & {waiting.resource_id, waiting.action_id}:
                    waiting.polls -= 1
            due = [waiting for waiting in self._waiting if waiting.polls <= 0]
            self._waiting = [waiting for waiting in self._waiting if waiting.polls > 0]
        for waiting in due:
            waiting.finish()

    def flush(self) -> None:
        """Ends every wait now."""
        with self._lock:
            timers, self._timers = self._timers, set()
            waiting, self._waiting = self._waiting, []
        for timer in timers:
            timer.cancel()
            timer.function()
        for one in waiting:
            one.finish()

    def close(self) -> None:
        """Forgets who waits; a restart takes their actions up again."""
        with self._lock:
            timers, self._timers, self._waiting = self._timers, set(), []
        for timer in timers:
            timer.cancel()

    def _later(self, seconds: float, finish: Callable[[], None]) -> None:
        def fire() -> None:
            with self._lock:
                self._timers.discard(timer)
            finish()

        timer = threading.Timer(seconds, fire)
        timer.daemon = True
        with self._lock:
            self._timers.add(timer)
        timer.start()
