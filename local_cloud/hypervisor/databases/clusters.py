"""All database clusters of this local cloud."""

import logging
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import valkey

from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.databases.keeper import Keeper
from local_cloud.hypervisor.databases.postgresql import PostgreSQL
from local_cloud.hypervisor.databases.sandbox import Programs, System
from local_cloud.hypervisor.databases.server import Place, Server
from local_cloud.hypervisor.databases.valkey import Valkey
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError
from local_cloud.hypervisor.networks.attacher import Attacher

ENGINES: dict[str, type[Server]] = {"pg": PostgreSQL, "valkey": Valkey}

_log = logging.getLogger(__name__)


class Databases:
    """Clusters by id, each with its data in `directory`/<id>. Methods block and may be called at once.

    The servers run on the image `database`, which is a layer over `debian-12-x64`. All methods raise
    HypervisorError; none of its messages holds a password.
    """

    def __init__(
        self,
        directory: Path,
        images: Mapping[str, Path],
        postgresql: Path,
        valkey_server: Path,
        networks: Attacher,
        cgroups: Cgroups,
    ) -> None:
        self._directory = directory
        self._programs = Programs(postgresql=postgresql, valkey=valkey_server)
        self._networks = networks
        self._cgroups = cgroups
        self._system = System(directory / ".system", [images["database"], images["debian-12-x64"]])
        self._servers: dict[str, Server] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def create_cluster(self, cluster: DatabaseCluster) -> None:
        """Start the cluster, initialised when it is new; one that runs is changed to what is said now.

        Returns when it answers over TLS. A change that its server does not take is undone.
        """
        with self._turn(cluster.id):
            server = self._servers.get(cluster.id)
            if server is None or not server.is_running or server.cluster.interfaces != cluster.interfaces:
                self._start(cluster)
            elif server.cluster != cluster:
                _change(server, cluster)

    def delete_cluster(self, cluster_id: str) -> None:
        """Stop the cluster and remove its data."""
        with self._held(cluster_id):
            self._stop(cluster_id)
            self._networks.detach(f"database:{cluster_id}")
            with_data = self._path(cluster_id)
            if with_data.exists():
                shutil.rmtree(with_data)

    def create_user(self, cluster_id: str, name: str, password: str) -> None:
        """A user with this password: made, or given another password."""
        with self._running(cluster_id) as server:
            server.set_user(name, password)

    def delete_user(self, cluster_id: str, name: str) -> None:
        with self._running(cluster_id) as server:
            server.delete_user(name)

    def create_database(self, cluster_id: str, name: str) -> None:
        with self._running(cluster_id) as server:
            server.create_database(name)

    def delete_database(self, cluster_id: str, name: str) -> None:
        with self._running(cluster_id) as server:
            server.delete_database(name)

    def is_running(self, cluster_id: str) -> bool:
        server = self._servers.get(cluster_id)
        return server is not None and server.is_running

    def ca_certificate(self, cluster_id: str) -> str:
        """The certificate of the cluster's own authority, in PEM."""
        with self._running(cluster_id):
            return self._authority(cluster_id).certificate()

    def close(self) -> None:
        """Stop all clusters, at the same time."""
        stops = [
            threading.Thread(target=self._stop, args=(cluster_id,)) for cluster_id in list(self._servers)
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self._system.unmount()

    def _start(self, cluster: DatabaseCluster) -> None:
        running = self._servers.get(cluster.id)
        self._stop(cluster.id)
        if running is not None and running.cluster.interfaces != cluster.interfaces:
            self._networks.detach(cluster.endpoint)
        with self._guard:
            self._system.mount()
        path = self._path(cluster.id)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711)  # the servers' users pass through to what is theirs
        place = Place(
            directory=path,
            network=self._networks.attach(
                cluster.endpoint, f"db-{cluster.id}", cluster.interfaces, None, None
            ),
            authority=self._authority(cluster.id),
            programs=self._programs,
            system=self._system,
            cgroups=self._cgroups,
        )
        server = ENGINES[cluster.engine](cluster, place)
        server.start()
        self._servers[cluster.id] = server
        Keeper(
            server,
            turn=lambda: self._turn(cluster.id),
            is_current=lambda: self._servers.get(cluster.id) is server,
        ).start()

    def _stop(self, cluster_id: str) -> None:
        with self._held(cluster_id):
            server = self._servers.pop(cluster_id, None)
            if server is not None:
                server.stop()

    def _authority(self, cluster_id: str) -> Authority:
        return Authority(self._path(cluster_id), cluster_id)

    def _path(self, cluster_id: str) -> Path:
        return self._directory / cluster_id

    @contextmanager
    def _running(self, cluster_id: str) -> Iterator[Server]:
        with self._turn(cluster_id):
            server = self._servers.get(cluster_id)
            if server is None:
                raise HypervisorError(f"database cluster {cluster_id} does not run: create it first")
            if not server.is_running:
                raise HypervisorError(f"database cluster {cluster_id} is being started again: try later")
            yield server

    @contextmanager
    def _turn(self, cluster_id: str) -> Iterator[None]:
        with self._held(cluster_id), _explained(cluster_id):
            yield

    @contextmanager
    def _held(self, cluster_id: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks[cluster_id]
        with lock:
            yield


def _change(server: Server, cluster: DatabaseCluster) -> None:
    before = server.cluster
    try:
        server.change(cluster)
    except Exception:
        _log.warning("database cluster %s goes on as before: it did not take its change", cluster.id)
        if server.is_running:
            server.change(before)
        else:
            server.cluster = before
            server.restart()
        raise


@contextmanager
def _explained(cluster_id: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # Its text may quote the statement; the diagnosis does not.
        reason = error.diag.message_primary or type(error).__name__
        raise HypervisorError(f"database cluster {cluster_id}: {reason}") from None
    except valkey.ValkeyError as error:
        raise HypervisorError(f"database cluster {cluster_id}: {error}") from error
