"""Starts a server again that has ended by itself, as DigitalOcean does for a managed cluster's node."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from local_cloud.hypervisor.databases.server import Server

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A server that has run for so long has recovered: the next end of it is a new story."""

_log = logging.getLogger(__name__)


class Keeper:
    """Watches one server for as long as it is its cluster's.

    `turn` keeps others from the cluster meanwhile; `is_current` is asked in that turn only.
    """

    def __init__(
        self, server: Server, turn: Callable[[], AbstractContextManager[None]], is_current: Callable[[], bool]
    ) -> None:
        self._server = server
        self._turn = turn
        self._is_current = is_current
        self._started = time.monotonic()
        self._delay = FIRST_DELAY_SECONDS

    def start(self) -> None:
        name = f"keeper of database {self._server.cluster.id}"
        threading.Thread(target=self._keep, name=name, daemon=True).start()

    def _keep(self) -> None:
        while True:
            self._server.wait()
            with self._turn():
                if not self._is_current():
                    return
                if self._server.is_running:
                    continue  # what has ended was replaced meanwhile, by a change of the cluster
            time.sleep(self._next_delay())
            with self._turn():
                if not self._is_current():
                    return
                if not self._server.is_running:
                    self._restart()

    def _next_delay(self) -> float:
        if time.monotonic() - self._started > STEADY_SECONDS:
            self._delay = FIRST_DELAY_SECONDS
        delay, self._delay = self._delay, min(2 * self._delay, LONGEST_DELAY_SECONDS)
        _log.warning(
            "database cluster %s has ended by itself; it is started again in %g s",
            self._server.cluster.id,
            delay,
        )
        return delay

    def _restart(self) -> None:
        try:
            self._server.restart()
        except Exception:  # noqa: BLE001 -- or nothing would ever start it again
            _log.exception("database cluster %s could not be started again", self._server.cluster.id)
        else:
            self._started = time.monotonic()
            _log.info("database cluster %s runs again", self._server.cluster.id)
