"""Work in the background: each action runs in a worker, and an action cut short by a crash runs again.

A kind of work is three steps: `prepare` reads what it needs and returns the real deed, which runs outside
any transaction; `complete` and `fail` write what came of it. Deeds are idempotent: one may run twice.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.store import Store
from local_cloud.digitalocean.tables import Action
from local_cloud.digitalocean.transitions import Transitions

log = logging.getLogger(__name__)

Deed = Callable[[], None]


class Place(Protocol):
    """Where work is done: what the workers themselves need of it."""

    store: Store
    transitions: Transitions


PlaceT = TypeVar("PlaceT", bound=Place)


def nothing(_cloud: Any, _session: Session, _action: Action) -> None:
    """For work whose end writes nothing but the action's own status."""


@dataclass(frozen=True, kw_only=True)
class Work(Generic[PlaceT]):
    """One kind of work; `prepare` may raise what the deed may raise."""

    prepare: Callable[[PlaceT, Session, Action], Deed]
    complete: Callable[[PlaceT, Session, Action], None] = nothing
    fail: Callable[[PlaceT, Session, Action], None] = nothing


class Jobs(Generic[PlaceT]):
    """The workers. Actions of one resource run one after another, in the order they were asked for."""

    def __init__(self, cloud: PlaceT, work: Mapping[str, Work[PlaceT]], workers: int) -> None:
        self._cloud = cloud
        self._work = work
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._guard = threading.Lock()
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._unfinished: dict[int, Future[str | None]] = {}

    def submit(self, action: Action) -> None:
        future: Future[str | None] = Future()
        with self._guard:
            self._unfinished[action.id] = future
        self._pool.submit(self._run, action.id, f"{action.resource_type}:{action.resource_id}")

    def wait(self, action_id: int, seconds: float) -> str | None:
        """The action's error, or None when it completed or isn't over after `seconds`."""
        with self._guard:
            future = self._unfinished.get(action_id)
        try:
            return future.result(seconds) if future else self._recorded_error(action_id)
        except FutureTimeoutError:
            return None

    @property
    def unfinished(self) -> int:
        with self._guard:
            return len(self._unfinished)

    @contextmanager
    def exclusively(self, resource: str) -> Iterator[None]:
        """Nothing else is done to the resource ("droplet:1") meanwhile."""
        with self._guard:
            lock = self._busy[resource]
        with lock:
            yield

    def resume(self) -> None:
        """Takes up what was in progress when the last process ended."""
        with self._cloud.store.reading() as session:
            unfinished = session.scalars(
                select(Action).where(Action.status == "in-progress").order_by(Action.id)
            ).all()
        for action in unfinished:
            log.info("taking up %s of %s again", action.kind, action.resource_id)
            self.submit(action)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, action_id: int, resource: str) -> None:
        started = time.monotonic()
        try:
            with self.exclusively(resource):
                found = self._do(action_id)
        except Exception as error:
            log.warning("action %d failed: %s", action_id, error, exc_info=log.isEnabledFor(logging.DEBUG))
            self._finish(action_id, f"{error}")
            return
        if found is None:
            self._resolve(action_id, None)
            return
        kind, resource_id = found
        self._cloud.transitions.after(
            kind, resource_id, action_id, started, lambda: self._finish(action_id, None)
        )

    def _do(self, action_id: int) -> tuple[str, str] | None:
        with self._cloud.store.reading() as session:
            action = session.get(Action, action_id)
            if action is None or action.status != "in-progress":
                return None
            found = action.kind, action.resource_id
            deed = self._work[action.kind].prepare(self._cloud, session, action)
        deed()
        return found

    def _finish(self, action_id: int, error: str | None) -> None:
        try:
            with self._cloud.store.writing() as session:
                action = session.get(Action, action_id)
                if action is not None and action.status == "in-progress":
                    work = self._work[action.kind]
                    (work.complete if error is None else work.fail)(self._cloud, session, action)
                    action.status = "completed" if error is None else "errored"
                    action.error = error
                    action.completed_at = now()
        except Exception as failure:
            log.exception("the end of action %d could not be written", action_id)
            error = error or str(failure)
        self._resolve(action_id, error)

    def _resolve(self, action_id: int, error: str | None) -> None:
        with self._guard:
            future = self._unfinished.pop(action_id, None)
        if future is not None:
            future.set_result(error)

    def _recorded_error(self, action_id: int) -> str | None:
        with self._cloud.store.reading() as session:
            action = session.get(Action, action_id)
            return None if action is None else action.error
