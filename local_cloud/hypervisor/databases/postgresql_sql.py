"""What the supervisor tells a running PostgreSQL, as the superuser and through its Unix socket."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from local_cloud.hypervisor.databases.directories import opened
from local_cloud.hypervisor.model import HypervisorError

SUPERUSER = "postgres"
DEFAULT_DATABASE = "defaultdb"
RELOAD_SECONDS = 10.0
ADMINISTRATOR = sql.SQL("LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS")
ORDINARY = sql.SQL("LOGIN")


class Superuser:
    """Sessions on the server whose socket is in `directory`. psycopg's errors never carry a password."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self._port = port

    def answers(self) -> bool:
        try:
            with self._session():
                return True
        except psycopg.OperationalError:
            return False

    def reload(self) -> bool:
        """Let the server read its files again. Says whether a setting waits for a restart.

        Raises HypervisorError when a setting has a value that can't be.
        """
        with self._session() as session:
            _refuse(session, "s.context IS DISTINCT FROM 'postmaster'")
            before = _loaded(session)
            session.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + RELOAD_SECONDS
        while True:
            with self._session() as session:  # a new one has what the server has read last
                if _loaded(session) != before:
                    # Of these, only now can be told which wait for a restart and which can't be.
                    _refuse(session, "NOT s.pending_restart")
                    found = session.execute("SELECT 1 FROM pg_settings WHERE pending_restart").fetchone()
                    return found is not None
            if time.monotonic() > deadline:
                raise HypervisorError(f"PostgreSQL has not read its files again after {RELOAD_SECONDS:g} s")
            time.sleep(0.02)

    def set_up(self, administrator: str, password: str) -> None:
        """The administrator and the default database; repeatable."""
        with self._session() as session:
            _set_role(session, administrator, password, ADMINISTRATOR)
            session.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
        self.create_database(DEFAULT_DATABASE, administrator)

    def set_user(self, name: str, password: str) -> None:
        with self._session() as session:
            _set_role(session, name, password, ORDINARY)

    def delete_user(self, name: str, heir: str) -> None:
        """What the user owned becomes the heir's; nothing is lost with them."""
        user = sql.Identifier(name)
        with self._session() as session:
            if not _role_exists(session, name):
                return
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name]
            )
            databases = session.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
        for (database,) in databases:
            with self._session(database) as session:
                session.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(user, sql.Identifier(heir)))
                session.execute(sql.SQL("DROP OWNED BY {}").format(user))
        with self._session() as session:
            session.execute(sql.SQL("DROP ROLE {}").format(user))

    def create_database(self, name: str, owner: str) -> None:
        """One that exists is left as it is."""
        with self._session() as session:
            if not session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                session.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
                )

    def delete_database(self, name: str) -> None:
        with self._session() as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def _session(self, database: str = SUPERUSER) -> Iterator[psycopg.Connection]:
        with (
            opened(self._directory) as socket_directory,
            psycopg.connect(
                host=socket_directory,
                port=self._port,
                user=SUPERUSER,
                dbname=database,
                autocommit=True,
                connect_timeout=10,
            ) as session,
        ):
            yield session


def _set_role(session: psycopg.Connection, name: str, password: str, attributes: sql.Composable) -> None:
    # Hashed here, so that the server never sees a password it could log.
    verifier = session.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    verb = sql.SQL("ALTER" if _role_exists(session, name) else "CREATE")
    session.execute(
        sql.SQL("{} ROLE {} WITH {} PASSWORD {}").format(
            verb, sql.Identifier(name), attributes, sql.Literal(verifier.decode())
        )
    )


def _role_exists(session: psycopg.Connection, name: str) -> bool:
    return session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None


def _refuse(session: psycopg.Connection, which: LiteralString) -> None:
    """Raise HypervisorError for those settings in the files that the server can't take over."""
    wrong = session.execute(
        "SELECT f.name, f.setting FROM pg_file_settings f"  # noqa: S608 -- a condition written here
        " LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)"
        " WHERE f.error IS NOT NULL AND " + which
    ).fetchall()
    if wrong:
        said = ", ".join(f"{name} = {value!r}" for name, value in wrong)
        raise HypervisorError(f"PostgreSQL does not take {said}: give it another value")


def _loaded(session: psycopg.Connection) -> object:
    """When the server has read its files."""
    return session.execute("SELECT pg_conf_load_time()").fetchone()
