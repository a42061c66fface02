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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import valkey

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.cgroups import Cgroups
from local_cloud.hypervisor.databases import valkey_files as files
from local_cloud.hypervisor.databases.certificates import Authority, write_private
from local_cloud.hypervisor.databases.directories import opened
from local_cloud.hypervisor.databases.sandbox import Process, Programs, Sandbox, System, prepare
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

USER = "valkey"
START_SECONDS = 60.0
TUNNEL_MEMORY_MIB = 256
SUPERVISOR = "_supervisor"


class Valkey:
    """One cluster in `directory`. Passwords are kept and given to the server as SHA-256 only."""

    def __init__(
        self, cluster: DatabaseCluster, directory: Path, programs: Programs, system: System, cgroups: Cgroups
    ) -> None:
        self._cluster = cluster
        self._directory = directory
        self._programs = programs
        self._system = system
        self._cgroups = cgroups
        self._password = secrets.token_hex(32)
        self._server: Sandbox | None = None
        self._tunnel: Sandbox | None = None

    @property
    def is_running(self) -> bool:
        return all(process is not None and process.is_running for process in (self._server, self._tunnel))

    def start(self, network: Path, authority: Authority) -> None:
        """Start both, and return when a client's TLS connection gets its answer."""
        owner = self._system.user_id(USER)
        for part in ("data", "socket", "conf"):
            prepare(self._directory / part, owner)
        self._configure(authority, owner)
        try:
            self._server = self._sandbox("server", files.SERVER_COMMAND, network, self._cluster.memory_mib)
            what = f"Valkey of database cluster {self._cluster.id}"
            self._server.container.wait_until(lambda _: self._answers(), START_SECONDS, what)
            self._tunnel = self._sandbox("tunnel", files.TUNNEL_COMMAND, network, TUNNEL_MEMORY_MIB)
            self._prove(network, authority)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop in good order: Valkey writes its data before it ends."""
        for process in (self._tunnel, self._server):
            if process is not None:
                process.stop(signal.SIGTERM)
        self._server = self._tunnel = None

    def set_user(self, name: str, password: str) -> None:
        """A user of all data, without the commands that administer the server; or their new password."""
        self._write_users({**self._users(), name: _digest(password)})
        self._reload()

    def delete_user(self, name: str) -> None:
        users = self._users()
        if users.pop(name, None) is not None:
            self._write_users(users)
            self._reload()

    def create_database(self, name: str) -> None:
        raise HypervisorError(f"Valkey has no named databases, so {name!r} can't be made: use a key prefix")

    def delete_database(self, name: str) -> None:
        raise HypervisorError(f"Valkey has no named databases, so there is no {name!r} to delete")

    def _configure(self, authority: Authority, owner: int) -> None:
        conf, cluster = self._directory / "conf", self._cluster
        authority.issue(
            conf, cluster.hostnames, [interface.address.ip for interface in cluster.interfaces], owner
        )
        (conf / "valkey.conf").write_text(files.server(cluster))
        (conf / "stunnel.conf").write_text(files.tunnel(cluster))
        self._write_users({**self._users(), cluster.admin_user: _digest(cluster.admin_password)})

    def _users(self) -> dict[str, str]:
        try:
            users: dict[str, str] = json.loads((self._directory / "users.json").read_text())
        except FileNotFoundError:
            return {}
        return users

    def _write_users(self, users: dict[str, str]) -> None:
        write_private(self._directory / "users.json", json.dumps(users).encode())
        rules = files.access(users, SUPERVISOR, _digest(self._password))
        write_private(self._directory / "conf/users.acl", rules.encode())
        os.chown(self._directory / "conf/users.acl", self._system.user_id(USER), -1)

    def _reload(self) -> None:
        with self._session() as session:
            session.acl_load()

    def _sandbox(self, name: str, command: tuple[str, ...], network: Path, memory_mib: int) -> Sandbox:
        process = Process(
            name=f"database-{self._cluster.id}-{name}",
            user=USER,
            command=command,
            network=network,
            memory_mib=memory_mib,
            log=self._directory / f"{name}.log",
            read_only={files.SERVER: self._programs.valkey, files.CONF: self._directory / "conf"},
            writable={files.DATA: self._directory / "data", files.SOCKETS: self._directory / "socket"},
        )
        return Sandbox(process, self._system, self._cgroups)

    def _answers(self) -> bool:
        try:
            with self._session() as session:
                return bool(session.ping())
        except valkey.ConnectionError:
            return False

    def _prove(self, network: Path, authority: Authority) -> None:
        deadline = time.monotonic() + START_SECONDS
        tunnel = self._tunnel
        while tunnel is not None:
            try:
                with namespaces.entered(network.name), self._client(authority) as client:
                    client.ping()
                    return
            except valkey.ConnectionError as error:
                if time.monotonic() > deadline or not tunnel.is_running:
                    raise HypervisorError(
                        f"database cluster {self._cluster.id} does not answer over TLS: {error}; "
                        f"its tunnel says: {tunnel.container.last_words()}"
                    ) from error
                time.sleep(0.02)

    @contextmanager
    def _client(self, authority: Authority) -> Iterator[valkey.Valkey]:
        client = valkey.Valkey(
            host=str(self._cluster.interfaces[0].address.ip),
            port=self._cluster.port,
            username=self._cluster.admin_user,
            password=self._cluster.admin_password,
            ssl=True,
            ssl_ca_certs=str(authority.certificate_file),
            ssl_check_hostname=True,
            socket_timeout=5,
        )
        with closing(client):
            yield client

    @contextmanager
    def _session(self) -> Iterator[valkey.Valkey]:
        with opened(self._directory / "socket") as directory:
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
