"""What every build step gets to work with: the cache, the programs it may start, the progress it reports."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from toolchain.cache import Cache, Recipe
from toolchain.processes import Processes
from toolchain.progress import Progress

HEAVY_AT_ONCE = 2
"""How many processor-bound builds run at once: what two cores can do while downloads go on beside."""

RECIPES = Path(__file__).parent / "recipes"


class Workshop:
    """Shared by all steps of one run."""

    def __init__(self, cache: Cache, processes: Processes, progress: Progress) -> None:
        self.cache = cache
        self.progress = progress
        self._processes = processes
        self._heavy = threading.Semaphore(HEAVY_AT_ONCE)

    def make(self, recipe: Recipe, build: Callable[[Path], None]) -> Path:
        """The recipe's entry of the cache, built now if it is missing."""
        if self.cache.has(recipe):
            return self.cache.path(recipe)
        with self.progress.step(recipe.name):
            return self.cache.get(recipe, build, waiting=lambda line: self.progress.report(recipe.name, line))

    def run(
        self,
        step: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Runs a program of the step, with this process's environment and what `environment` adds."""
        self._processes.run(
            argv,
            report=lambda line: self.progress.report(step, line),
            environment={**os.environ, **(environment or {})},
            folder=folder,
        )

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """That lock of the cache, among all runs on this machine; says so when it has to wait."""
        with self.cache.lock(name, waiting=self.progress.say):
            yield

    @contextmanager
    def heavy(self, step: str) -> Iterator[None]:
        """A turn for processor-bound work."""
        self.progress.report(step, "waiting for its turn on the processors")
        with self._heavy:
            yield

    def stop(self) -> None:
        self._processes.stop()
