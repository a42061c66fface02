"""The SQLite file: one transaction a call and a write-ahead log, so that a kill leaves whole calls."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.orm import Session

from local_cloud.digitalocean.tables import Base

BUSY_TIMEOUT_SECONDS = 30
CONNECTIONS = 64
"""One for each thread that the server and the workers may have, so that none waits for another's."""


class Store:
    """State on disk, in a file that only its owner can read: it holds database passwords."""

    def __init__(self, path: Path, tables: MetaData = Base.metadata) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._engine = _engine(path)
        self._writing = threading.Lock()
        tables.create_all(self._engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A snapshot; nothing written in it is kept."""
        with Session(self._engine, autoflush=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """The one writer: all that it does is kept, or, after an exception, nothing."""
        with self._writing, Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        pool_size=CONNECTIONS,
        hide_parameters=True,  # an error that is logged would show passwords
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # sqlite3 opens transactions late and only for some statements; _begin opens every one.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
