"""A Valkey cluster: the server on a Unix socket, and stunnel before it, for this Valkey has no TLS.

As on DigitalOcean, its data is written to disk every ten minutes and when it is stopped; a crash loses what
came since.
"""

import hashlib
import json
import os
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import valkey

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.certificates import write_private
from local_cloud.hypervisor.databases import valkey_files as files
from local_cloud.hypervisor.databases.directories import opened
from local_cloud.hypervisor.databases.sandbox import Process, Sandbox, prepare
from local_cloud.hypervisor.databases.server import Place, Server
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

USER = "valkey"
START_SECONDS = 60.0
TUNNEL_MEMORY_MIB = 256
SILENCE = (valkey.ConnectionError, valkey.TimeoutError)
"""What its client raises while it doesn't answer yet."""
SUPERVISOR = "_supervisor"


class Valkey(Server):
    """One cluster's Valkey. Passwords are kept and given to the server as SHA-256 only."""

    def __init__(self, cluster: DatabaseCluster, place: Place) -> None:
        super().__init__(cluster, place)
        self._password = secrets.token_hex(32)
        self._server: Sandbox | None = None
        self._tunnel: Sandbox | None = None

    @property
    def processes(self) -> Sequence[Sandbox | None]:
        return (self._server, self._tunnel)

    def start(self) -> None:
        for part in ("data", "socket", "conf"):
            prepare(self.place.directory / part, self._owner)
        self._configure()
        try:
            self._server = self._sandbox("server", files.SERVER_COMMAND, self.cluster.memory_mib)
            what = f"Valkey of database cluster {self.cluster.id}"
            self._server.container.wait_until(lambda _: self._answers(), START_SECONDS, what)
            self._start_the_tunnel()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Valkey writes its data before it ends."""
        for process in (self._tunnel, self._server):
            if process is not None:
                process.stop(signal.SIGTERM)
        self._server = self._tunnel = None

    def change(self, cluster: DatabaseCluster) -> None:
        """Restarts only for settings that Valkey has at its start only; clients reconnect for a new name."""
        before, self.cluster = self.cluster, cluster
        self._configure()
        if not self._take_over(before):
            self.restart()
            return
        if self._server is not None:
            self._server.limit(cluster.memory_mib)
        self._reload_users()
        if self._tunnel is not None and cluster.hostnames != before.hostnames:
            self._tunnel.stop(signal.SIGTERM)
            self._start_the_tunnel()

    def _take_over(self, before: DatabaseCluster) -> bool:
        """Give the running server the settings that have changed. False when one needs a restart."""
        known, wanted = files.tunable(before), files.tunable(self.cluster)
        with self._session() as session:
            for name, value in wanted.items():
                if known[name] == value:
                    continue
                try:
                    session.config_set(name, value)
                except valkey.ResponseError as error:
                    if "immutable" in str(error):
                        return False
                    raise
        return True

    def set_user(self, name: str, password: str) -> None:
        """A user of all data, without the commands that administer the server; or their new password."""
        self._write_users({**self._users(), name: _digest(password)})
        self._reload_users()
        if name == self.cluster.admin_user:
            self.cluster = replace(self.cluster, admin_password=password)

    def delete_user(self, name: str) -> None:
        users = self._users()
        if users.pop(name, None) is not None:
            self._write_users(users)
            self._reload_users()

    def create_database(self, name: str) -> None:
        raise HypervisorError(f"Valkey has no named databases, so {name!r} can't be made: use a key prefix")

    def delete_database(self, name: str) -> None:
        raise HypervisorError(f"Valkey has no named databases, so there is no {name!r} to delete")

    @property
    def _owner(self) -> int:
        return self.place.system.user_id(USER)

    def _configure(self) -> None:
        conf, cluster = self.place.directory / "conf", self.cluster
        addresses = [interface.address.ip for interface in cluster.interfaces]
        self.place.authority.issue(conf, cluster.hostnames, addresses, self._owner)
        (conf / "valkey.conf").write_text(files.server(cluster))
        (conf / "stunnel.conf").write_text(files.tunnel(cluster))
        self._write_users({**self._users(), cluster.admin_user: _digest(cluster.admin_password)})

    def _users(self) -> dict[str, str]:
        try:
            users: dict[str, str] = json.loads((self.place.directory / "users.json").read_text())
        except FileNotFoundError:
            return {}
        return users

    def _write_users(self, users: dict[str, str]) -> None:
        write_private(self.place.directory / "users.json", json.dumps(users).encode())
        rules = files.access(users, SUPERVISOR, _digest(self._password))
        write_private(self.place.directory / "conf/users.acl", rules.encode())
        os.chown(self.place.directory / "conf/users.acl", self._owner, -1)

    def _reload_users(self) -> None:
        with self._session() as session:
            session.acl_load()

    def _sandbox(self, name: str, command: tuple[str, ...], memory_mib: int) -> Sandbox:
        directory = self.place.directory
        process = Process(
            name=f"database-{self.cluster.id}-{name}",
            user=USER,
            command=command,
            network=self.place.network,
            memory_mib=memory_mib,
            log=directory / f"{name}.log",
            read_only={files.SERVER: self.place.programs.valkey, files.CONF: directory / "conf"},
            writable={files.DATA: directory / "data", files.SOCKETS: directory / "socket"},
        )
        return Sandbox(process, self.place.system, self.place.cgroups)

    def _start_the_tunnel(self) -> None:
        self._tunnel = self._sandbox("tunnel", files.TUNNEL_COMMAND, TUNNEL_MEMORY_MIB)
        self._prove(self._tunnel)

    def _answers(self) -> bool:
        try:
            with self._session() as session:
                return bool(session.ping())
        except SILENCE:
            return False

    def _prove(self, tunnel: Sandbox) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with namespaces.entered(self.place.network.name), self._client() as client:
                    client.ping()
                    return
            except SILENCE as error:
                if time.monotonic() > deadline or not tunnel.is_running:
                    raise HypervisorError(
                        f"database cluster {self.cluster.id} does not answer over TLS: {error}; "
                        f"its tunnel says: {tunnel.container.last_words()}"
                    ) from error
                time.sleep(0.02)

    @contextmanager
    def _client(self) -> Iterator[valkey.Valkey]:
        client = valkey.Valkey(
            host=str(self.cluster.interfaces[0].address.ip),
            port=self.cluster.port,
            username=self.cluster.admin_user,
            password=self.cluster.admin_password,
            ssl=True,
            ssl_ca_certs=str(self.place.authority.certificate_file),
            ssl_check_hostname=True,
            socket_timeout=5,
        )
        with closing(client):
            yield client

    @contextmanager
    def _session(self) -> Iterator[valkey.Valkey]:
        with opened(self.place.directory / "socket") as directory:
            client = valkey.Valkey(
                unix_socket_path=f"{directory}/{files.SOCKET_NAME}",
                username=SUPERVISOR,
                password=self._password,
                socket_timeout=5,
            )
            with closing(client):
                yield client


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
