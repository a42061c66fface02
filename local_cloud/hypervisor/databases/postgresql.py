"""A PostgreSQL cluster, as DigitalOcean sets one up: TLS only, an administrator who is no superuser.

The supervisor's own way in is the Unix socket, as the superuser `postgres`, who can't log in from a network.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.cgroups import Cgroups
from local_cloud.hypervisor.databases import postgresql_files as files
from local_cloud.hypervisor.databases.certificates import Authority
from local_cloud.hypervisor.databases.directories import opened
from local_cloud.hypervisor.databases.sandbox import Process, Programs, Sandbox, System, prepare
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

SUPERUSER = "postgres"
DEFAULT_DATABASE = "defaultdb"
START_SECONDS = 90.0
"""Recovery after a crash replays at most 256 MiB of log (max_wal_size)."""
INITDB = (
    "--auth=reject",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
)
ADMINISTRATOR = sql.SQL("LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS")


class PostgreSQL:
    """One cluster in `directory`. Methods raise HypervisorError; psycopg's errors never carry a password."""

    def __init__(
        self, cluster: DatabaseCluster, directory: Path, programs: Programs, system: System, cgroups: Cgroups
    ) -> None:
        self._cluster = cluster
        self._directory = directory
        self._programs = programs
        self._system = system
        self._cgroups = cgroups
        self._server: Sandbox | None = None

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.is_running

    def start(self, network: Path, authority: Authority) -> None:
        """Initialise when new, start, and return when a client's TLS connection gets its answer."""
        owner = self._system.user_id(SUPERUSER)
        for part in ("data", "socket"):
            prepare(self._directory / part, owner)
        self._configure(authority, owner)
        if not (self._directory / "data/current/PG_VERSION").exists():
            self._initialise(network)
        self._server = self._sandbox("server", files.SERVER_COMMAND, network)
        try:
            self._wait_for_the_socket()
            self._set_up_the_administrator()
            self._prove(network, authority)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop in good order: sessions are ended, everything is written (a `fast` shutdown)."""
        if self._server is not None:
            self._server.stop(signal.SIGINT)
            self._server = None

    def set_user(self, name: str, password: str) -> None:
        """A user who may log in and nothing more, with this password; one who exists gets the password."""
        with self._session() as session:
            self._set_role(session, name, password, sql.SQL("LOGIN"))

    def delete_user(self, name: str) -> None:
        """What the user owned becomes the administrator's; nothing is lost with them."""
        user, heir = sql.Identifier(name), sql.Identifier(self._cluster.admin_user)
        with self._session() as session:
            if not _role_exists(session, name):
                return
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name]
            )
            databases = session.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
        for (database,) in databases:
            with self._session(database) as session:
                session.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(user, heir))
                session.execute(sql.SQL("DROP OWNED BY {}").format(user))
        with self._session() as session:
            session.execute(sql.SQL("DROP ROLE {}").format(user))

    def create_database(self, name: str) -> None:
        """A database that the administrator owns; one that exists is left as it is."""
        with self._session() as session:
            if not session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                owner = sql.Identifier(self._cluster.admin_user)
                session.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))

    def delete_database(self, name: str) -> None:
        with self._session() as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _configure(self, authority: Authority, owner: int) -> None:
        conf = self._directory / "conf"
        conf.mkdir(exist_ok=True)
        conf.chmod(0o755)
        cluster = self._cluster
        addresses = [interface.address.ip for interface in cluster.interfaces]
        authority.issue(conf, cluster.hostnames, addresses, owner)
        files.write(conf, cluster, self._programs.postgresql)

    def _initialise(self, network: Path) -> None:
        # `current` has its name only once it is whole, so that an interrupted start is begun again.
        script = (
            "set -e; cd /run/data; rm -rf partial; "
            f'{files.PREFIX}/bin/initdb -D partial -U {SUPERUSER} "$@"; mv partial current; sync -f current'
        )
        sandbox = self._sandbox("initdb", ("/bin/sh", "-c", script, "initdb", *INITDB), network)
        status = sandbox.container.wait(START_SECONDS)
        sandbox.stop(signal.SIGKILL)
        if status != 0:
            raise HypervisorError(
                f"database cluster {self._cluster.id}: initdb ended with status {status}: "
                f"{sandbox.container.last_words()}"
            )

    def _sandbox(self, name: str, command: Sequence[str], network: Path) -> Sandbox:
        conf = self._directory / "conf"
        process = Process(
            name=f"database-{self._cluster.id}-{name}",
            user=SUPERUSER,
            command=command,
            network=network,
            memory_mib=self._cluster.memory_mib,
            log=self._directory / f"{name}.log",
            read_only={
                files.PREFIX: self._programs.postgresql,
                files.VECTOR_CONTROL: conf / "vector.control",
                files.CONF: conf,
            },
            writable={files.DATA: self._directory / "data", files.SOCKET: self._directory / "socket"},
        )
        return Sandbox(process, self._system, self._cgroups)

    def _wait_for_the_socket(self) -> None:
        server = self._server
        assert server is not None  # noqa: S101 -- start() has just made it
        what = f"PostgreSQL of database cluster {self._cluster.id}"
        server.container.wait_until(lambda _: self._answers(), START_SECONDS, what)

    def _answers(self) -> bool:
        try:
            with self._session():
                return True
        except psycopg.OperationalError:
            return False

    def _set_up_the_administrator(self) -> None:
        admin = self._cluster.admin_user
        with self._session() as session:
            self._set_role(session, admin, self._cluster.admin_password, ADMINISTRATOR)
            session.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
        self.create_database(DEFAULT_DATABASE)

    def _set_role(
        self, session: psycopg.Connection, name: str, password: str, attributes: sql.Composable
    ) -> None:
        # Hashed here, so that the server never sees a password it could log.
        verifier = session.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        verb = sql.SQL("ALTER" if _role_exists(session, name) else "CREATE")
        session.execute(
            sql.SQL("{} ROLE {} WITH {} PASSWORD {}").format(
                verb, sql.Identifier(name), attributes, sql.Literal(verifier.decode())
            )
        )

    def _prove(self, network: Path, authority: Authority) -> None:
        address = self._cluster.interfaces[0].address.ip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with (
                    namespaces.entered(network.name),
                    psycopg.connect(
                        hostaddr=str(address),
                        host=self._cluster.hostnames[0],
                        port=self._cluster.port,
                        user=self._cluster.admin_user,
                        password=self._cluster.admin_password,
                        dbname=DEFAULT_DATABASE,
                        sslmode="verify-full",
                        sslrootcert=str(authority.certificate_file),
                        connect_timeout=5,
                    ),
                ):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise HypervisorError(
                        f"database cluster {self._cluster.id} does not answer at {address}: {error}"
                    ) from error
                time.sleep(0.05)

    @contextmanager
    def _session(self, database: str = SUPERUSER) -> Iterator[psycopg.Connection]:
        with (
            opened(self._directory / "socket") as socket_directory,
            psycopg.connect(
                host=socket_directory,
                port=self._cluster.port,
                user=SUPERUSER,
                dbname=database,
                autocommit=True,
                connect_timeout=10,
            ) as session,
        ):
            yield session


def _role_exists(session: psycopg.Connection, name: str) -> bool:
    return session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None
