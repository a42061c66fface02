"""Tasks that come due again and again; one that fails is tried again, later and later, never given up."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent_runtime.errors import HostError

FIRST_RETRY, LAST_RETRY = 5.0, 300.0
LONGEST_WAIT = 60.0
"""The clock may be set meanwhile: so nothing is waited for in one piece."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Task:
    """`due` says when, in seconds since 1970; it is asked again after each run."""

    name: str
    due: Callable[[], float]
    run: Callable[[], None]


class Schedule:
    """Runs its tasks one after the other."""

    def __init__(self, tasks: Sequence[Task], clock: Callable[[], float] = time.time) -> None:
        self._tasks = tasks
        self._clock = clock
        self._failures = dict.fromkeys((task.name for task in tasks), 0)
        self._not_before = dict.fromkeys((task.name for task in tasks), 0.0)

    def run_until(self, stop: threading.Event) -> None:
        while not stop.wait(min(self.step(), LONGEST_WAIT)):
            pass

    def step(self) -> float:
        """Run what is due; the seconds until the next task is."""
        for task in self._tasks:
            if self._when(task) <= self._clock():
                self._run(task)
        return max(0.0, min(map(self._when, self._tasks)) - self._clock())

    def _when(self, task: Task) -> float:
        try:
            due = task.due()
        except HostError:
            due = 0.0  # its run says what is wrong
        return max(due, self._not_before[task.name])

    def _run(self, task: Task) -> None:
        try:
            task.run()
        except HostError as error:
            self._failed(task, str(error))
        except Exception as error:
            logger.exception("%s", task.name)
            self._failed(task, f"{type(error).__name__}, a fault in the runtime itself")
        else:
            self._failures[task.name] = 0
            self._not_before[task.name] = 0.0

    def _failed(self, task: Task, reason: str) -> None:
        wait = backoff(self._failures[task.name])
        self._failures[task.name] += 1
        self._not_before[task.name] = self._clock() + wait
        logger.error("%s failed: %s (tried again in %.0f s)", task.name, reason, wait)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures before this one; a fifth is chance, so that hosts part."""
    wait = min(FIRST_RETRY * 2.0 ** min(failures, 16), LAST_RETRY)
    return wait * random.uniform(0.8, 1.0)  # noqa: S311 -- chance, not secrecy
