"""Steps that need one another, run in threads: each as soon as what it needs is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A piece of the set-up; `action` gets the results of the steps in `needs`, by name."""

    name: str
    needs: tuple[str, ...] = ()
    action: Callable[[Results], Any]


def run(steps: Sequence[Step], *, stop: Callable[[], None]) -> dict[str, Any]:
    """Runs all steps and returns their results by name.

    At the first failure, and at KeyboardInterrupt, `stop` is called (it makes the running actions end
    soon), no further step starts, and that first failure is raised once all have ended.
    Raises ValueError when a step needs one that is not there or that needs it in turn.
    """
    _check(steps)
    waiting = list(steps)
    results: dict[str, Any] = {}
    running: dict[Future[Any], Step] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(steps)), thread_name_prefix="toolchain") as pool:
        try:
            while waiting or running:
                for step in [step for step in waiting if results.keys() >= set(step.needs)]:
                    waiting.remove(step)
                    running[pool.submit(step.action, {name: results[name] for name in step.needs})] = step
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    results[running.pop(future).name] = future.result()
        except BaseException:
            stop()
            raise
    return results


def _check(steps: Sequence[Step]) -> None:
    known: set[str] = set()
    remaining = {step.name: set(step.needs) for step in steps}
    if len(remaining) != len(steps):
        raise ValueError("two steps have the same name: give each its own")
    while remaining:
        ready = {name for name, needs in remaining.items() if needs <= known}
        if not ready:
            raise ValueError(f"these steps need what is not there, or one another: {sorted(remaining)}")
        known |= ready
        remaining = {name: needs for name, needs in remaining.items() if name not in ready}
