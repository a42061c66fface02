"""A PostgreSQL cluster, as DigitalOcean sets one up: TLS only, an administrator who is no superuser.

The supervisor's own way in is the Unix socket, as the superuser `postgres`, who can't log in from a network.
"""

import signal
import time
from collections.abc import Sequence
from dataclasses import replace

import psycopg

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.databases import postgresql_files as files
from local_cloud.hypervisor.databases.postgresql_sql import DEFAULT_DATABASE, SUPERUSER, Superuser
from local_cloud.hypervisor.databases.sandbox import Process, Sandbox, prepare
from local_cloud.hypervisor.databases.server import Place, Server
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

START_SECONDS = 90.0
"""Recovery after a crash replays at most 256 MiB of log (max_wal_size)."""
INITDB = (
    "--auth=reject",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
)


class PostgreSQL(Server):
    """One cluster's PostgreSQL."""

    def __init__(self, cluster: DatabaseCluster, place: Place) -> None:
        super().__init__(cluster, place)
        self._server: Sandbox | None = None
        self._superuser = Superuser(place.directory / "socket", cluster.port)

    @property
    def processes(self) -> Sequence[Sandbox | None]:
        return (self._server,)

    def start(self) -> None:
        owner = self.place.system.user_id(SUPERUSER)
        for part in ("data", "socket"):
            prepare(self.place.directory / part, owner)
        self._configure()
        if not (self.place.directory / "data/current/PG_VERSION").exists():
            self._initialise()
        self._server = self._sandbox("server", files.SERVER_COMMAND)
        try:
            what = f"PostgreSQL of database cluster {self.cluster.id}"
            self._server.container.wait_until(lambda _: self._superuser.answers(), START_SECONDS, what)
            self._superuser.set_up(self.cluster.admin_user, self.cluster.admin_password)
            self._prove()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Sessions are ended, everything is written (a `fast` shutdown)."""
        if self._server is not None:
            self._server.stop(signal.SIGINT)
            self._server = None

    def change(self, cluster: DatabaseCluster) -> None:
        """Restarts for more memory and for settings that PostgreSQL has at its start only."""
        resized = cluster.memory_mib != self.cluster.memory_mib
        self.cluster = cluster
        if resized:
            self.restart()
            return
        self._configure()
        if self._superuser.reload():
            self.restart()
        else:
            self._superuser.set_up(cluster.admin_user, cluster.admin_password)
            self._prove()

    def set_user(self, name: str, password: str) -> None:
        """A user who may log in and nothing more, with this password; one who exists gets the password."""
        self._superuser.set_user(name, password)
        if name == self.cluster.admin_user:
            self.cluster = replace(self.cluster, admin_password=password)

    def delete_user(self, name: str) -> None:
        """What the user owned becomes the administrator's; nothing is lost with them."""
        self._superuser.delete_user(name, heir=self.cluster.admin_user)

    def create_database(self, name: str) -> None:
        """A database that the administrator owns; one that exists is left as it is."""
        self._superuser.create_database(name, self.cluster.admin_user)

    def delete_database(self, name: str) -> None:
        self._superuser.delete_database(name)

    def _configure(self) -> None:
        conf = self.place.directory / "conf"
        conf.mkdir(exist_ok=True)
        conf.chmod(0o755)
        addresses = [interface.address.ip for interface in self.cluster.interfaces]
        owner = self.place.system.user_id(SUPERUSER)
        self.place.authority.issue(conf, self.cluster.hostnames, addresses, owner)
        files.write(conf, self.cluster, self.place.programs.postgresql)

    def _initialise(self) -> None:
        # `current` has its name only once it is whole, so that an interrupted start is begun again.
        script = (
            "set -e; cd /run/data; rm -rf partial; "
            f'{files.PREFIX}/bin/initdb -D partial -U {SUPERUSER} "$@"; mv partial current; sync -f current'
        )
        sandbox = self._sandbox("initdb", ("/bin/sh", "-c", script, "initdb", *INITDB))
        status = sandbox.container.wait(START_SECONDS)
        sandbox.stop(signal.SIGKILL)
        if status != 0:
            raise HypervisorError(
                f"database cluster {self.cluster.id}: initdb ended with status {status}: "
                f"{sandbox.container.last_words()}"
            )

    def _sandbox(self, name: str, command: Sequence[str]) -> Sandbox:
        place, conf = self.place, self.place.directory / "conf"
        process = Process(
            name=f"database-{self.cluster.id}-{name}",
            user=SUPERUSER,
            command=command,
            network=place.network,
            memory_mib=self.cluster.memory_mib,
            log=place.directory / f"{name}.log",
            read_only={
                files.PREFIX: place.programs.postgresql,
                files.VECTOR_CONTROL: conf / "vector.control",
                files.CONF: conf,
            },
            writable={files.DATA: place.directory / "data", files.SOCKET: place.directory / "socket"},
        )
        return Sandbox(process, place.system, place.cgroups)

    def _prove(self) -> None:
        """As a client, that verifies the certificate. Raises HypervisorError when it gets no answer."""
        address = self.cluster.interfaces[0].address.ip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with (
                    namespaces.entered(self.place.network.name),
                    psycopg.connect(
                        hostaddr=str(address),
                        host=self.cluster.hostnames[0],
                        port=self.cluster.port,
                        user=self.cluster.admin_user,
                        password=self.cluster.admin_password,
                        dbname=DEFAULT_DATABASE,
                        sslmode="verify-full",
                        sslrootcert=str(self.place.authority.certificate_file),
                        connect_timeout=5,
                    ),
                ):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not self.is_running:
                    raise HypervisorError(
                        f"database cluster {self.cluster.id} does not answer at {address}: {error}"
                    ) from error
                time.sleep(0.05)
