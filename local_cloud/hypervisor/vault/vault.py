"""The vault of the local cloud: an OpenBao server in a namespace of its own, reached through the mesh alone.

It is initialised when it is new, unsealed at each start, and started again when it ends by itself. What the
platform has in it (mounts, policies, roles) is made by the platform's stack, as on the real cloud.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from local_cloud.hypervisor.certificates import Authority, write_private
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.mesh.addresses import VAULT_ADDRESS
from local_cloud.hypervisor.mesh.member import Identity
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.vault import operator
from local_cloud.hypervisor.vault.collector import Collector
from local_cloud.hypervisor.vault.keys import KeyFile, Keys
from local_cloud.hypervisor.vault.rotation import rotate_if_large
from local_cloud.hypervisor.vault.server import HOSTNAME, Place, Server

IDENTITY = Identity(hostname=HOSTNAME, tag="tag:vault", namespace="vault", address=VAULT_ADDRESS)
CARE_SECONDS = 600.0
"""Between two looks at what grows (the audit file) and what ends (the operator's token)."""
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
REACHED_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Joining(Protocol):
    """What the vault needs of the mesh."""

    authority: Authority

    def join(self, identity: Identity) -> IPv4Address: ...


class Vault:
    """`directory` is for root alone. Methods block, and may be called from several threads at once."""

    def __init__(self, directory: Path, program: Path, image: Path, mesh: Joining, cgroups: Cgroups) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._place = Place(
            directory=directory,
            namespace=IDENTITY.namespace,
            program=program,
            image=image,
            cgroups=cgroups,
        )
        self._directory = directory
        self._mesh = mesh
        self._key_file = KeyFile(directory)
        self._lock = threading.RLock()
        self._server: Server | None = None
        self._collector: Collector | None = None

    def start(self) -> None:
        """Returns when it is a member of the mesh, unsealed, and has the operator's policy and token.

        Raises HypervisorError, also when the keys to what it holds are lost.
        """
        with self._lock:
            if self._server is not None:
                return
            address = self._mesh.join(IDENTITY)
            self._collector = Collector(IDENTITY.namespace, self._directory / "collected.log")
            self._server = Server(self._place, address, self._mesh.authority)
            try:
                self._serve(self._server)
                self._publish(self._server)
            except BaseException:
                self.close()
                raise
            keeper = threading.Thread(
                target=self._keep, args=(self._server,), name="keeper of the vault", daemon=True
            )
            keeper.start()

    def seal(self) -> None:
        """Nobody gets anything from it until `unseal`, or until it is started again."""
        with self._started() as server, server.api.client(self._key_file.read().root_token) as root:
            root.sys.seal()

    def unseal(self) -> None:
        with self._started() as server:
            self._open(server)

    def wait_until_reached_from(self, namespace: str) -> None:
        """Through the mesh, where two that have just joined take seconds to find each other.

        Raises HypervisorError.
        """
        with self._started() as server:
            api = replace(server.api, namespace=namespace)
        deadline = time.monotonic() + REACHED_SECONDS
        while not api.is_listening:
            if time.monotonic() > deadline:
                raise HypervisorError(
                    f"the vault was not reached from {namespace!r} within {REACHED_SECONDS:g} s"
                )
            time.sleep(0.05)

    def close(self) -> None:
        with self._lock:
            server, collector = self._server, self._collector
            self._server = self._collector = None
            try:
                if server is not None:
                    server.close()
            finally:
                if collector is not None:
                    collector.close()

    @contextmanager
    def _started(self) -> Iterator[Server]:
        with self._lock:
            if self._server is None:
                raise HypervisorError("the vault does not run: start the local cloud first")
            yield self._server

    def _serve(self, server: Server) -> None:
        self._key_file.drop_what_was_never_used(self._place.data)
        server.start()
        self._open(server)

    def _open(self, server: Server) -> None:
        with server.api.client() as client:
            keys = self._key_file.open(client)
        server.wait_until_active()
        self._renew(server, keys)

    def _renew(self, server: Server, keys: Keys) -> None:
        with server.api.client(keys.root_token) as root:
            operator.set_up(root, self._directory / "operator-token")

    def _publish(self, server: Server) -> None:
        """For `exec`: where it is, and how to know it."""
        write_private(self._directory / "address", server.url.encode())
        write_private(self._directory / "ca.crt", self._mesh.authority.certificate().encode())

    def _keep(self, server: Server) -> None:
        """For as long as the server is the vault's."""
        delay = FIRST_DELAY_SECONDS
        while True:
            ended = server.has_ended_within(CARE_SECONDS)
            with self._lock:
                if self._server is not server:
                    return
                if not ended:
                    self._care_for(server)
                    delay = FIRST_DELAY_SECONDS
                    continue
            _log.warning("the vault has ended by itself; it is started again in %g s", delay)
            time.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            with self._lock:
                if self._server is not server:
                    return
                self._restart(server)

    def _care_for(self, server: Server) -> None:
        try:
            if rotate_if_large(self._place.audit_file):
                server.reopen_logs()
            if server.api.is_active:  # it may be sealed, on purpose
                self._renew(server, self._key_file.read())
        except (HypervisorError, OSError):
            _log.exception("the vault could not be looked after")

    def _restart(self, server: Server) -> None:
        try:
            server.stop()
            self._serve(server)
        except (HypervisorError, OSError):
            _log.exception("the vault could not be started again")
            server.stop()
        else:
            _log.info("the vault runs again")
