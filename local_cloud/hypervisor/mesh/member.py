"""One of the local cloud's own on the mesh: a namespace with a public address, and tailscaled in it.

It keeps its identity, and with it its mesh address, in its directory. It takes no DNS settings, and adds no
firewall rules of Tailscale's, whose own would let in all that comes through the mesh.
"""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from local_cloud.hypervisor.certificates import write_private
from local_cloud.hypervisor.mesh.addresses import LOGIN_SERVER, WIREGUARD_PORT
from local_cloud.hypervisor.mesh.coordination import OWN_USER, HeadscaleCoordination
from local_cloud.hypervisor.mesh.daemon import PATH, Daemon, Program
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.namespaces import entered

START_SECONDS = 60.0
"""It takes half a second, or many where dozens of machines boot at the same moment."""
KEY_LIFETIME = timedelta(minutes=5)
SOCKET = "tailscaled.sock"
INTERFACE = "tailscale0"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who it is on the mesh; `address` is its public one."""

    hostname: str
    tag: str
    namespace: str
    address: IPv4Address


class Member:
    """`programs` is the folder of tailscaled and tailscale, `certificate` that of the CA to trust."""

    def __init__(
        self,
        identity: Identity,
        directory: Path,
        programs: Path,
        certificate: Path,
        coordination: HeadscaleCoordination,
    ) -> None:
        self.identity = identity
        self._directory = directory
        self._programs = programs
        self._coordination = coordination
        self._daemon = Daemon(
            Program(
                name="tailscaled",
                command=[
                    str(programs / "tailscaled"),
                    "--statedir=.",
                    "--state=tailscaled.state",
                    f"--socket={SOCKET}",
                    f"--tun={INTERFACE}",
                    f"--port={WIREGUARD_PORT}",
                    "--no-logs-no-support",
                ],
                namespace=identity.namespace,
                directory=directory,
                environment={"SSL_CERT_FILE": str(certificate), "TS_LOGS_DIR": "."},
            )
        )

    def join(self) -> IPv4Address:
        """Its address on the mesh, once it is a running member: as the one it was, or as a new one.

        Raises HypervisorError when it doesn't become one.
        """
        self._daemon.start()
        status = self._status_when(lambda state: state in ("NeedsLogin", "Running", "Starting"))
        if status["BackendState"] == "NeedsLogin":
            self._log_in()
        self._tailscale("wait", f"--timeout={START_SECONDS:.0f}s")
        addresses = [ip for ip in self._status()["Self"]["TailscaleIPs"] if ":" not in ip]
        return IPv4Address(addresses[0])

    def _log_in(self) -> None:
        for node in self._coordination.list_nodes(OWN_USER):
            if node.hostname == self.identity.hostname:  # of an identity that has been lost
                self._coordination.delete_node(node.id)
        key = self._coordination.create_key(
            tags=[self.identity.tag],
            reusable=False,
            ephemeral=False,
            expires_at=datetime.now(UTC) + KEY_LIFETIME,
            user=OWN_USER,
        )
        file = self._directory / "auth-key"
        write_private(file, key.secret.encode())
        try:
            self._tailscale(
                "up",
                f"--login-server={LOGIN_SERVER}",
                f"--auth-key=file:{file}",
                f"--hostname={self.identity.hostname}",
                "--accept-dns=false",
                "--netfilter-mode=off",
                f"--timeout={START_SECONDS:.0f}s",
            )
        finally:
            file.unlink()

    def _status_when(self, ready: Callable[[str], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(HypervisorError):  # it does not listen yet
                status = self._status()
                if ready(status["BackendState"]):
                    return status
            if not self._daemon.is_running or time.monotonic() > deadline:
                raise HypervisorError(
                    f"tailscaled of {self.identity.hostname} does not come up: {self._daemon.last_words()}"
                )
            time.sleep(0.02)

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self._tailscale("status", "--json"))
        return status

    def _tailscale(self, *arguments: str) -> str:
        with entered(self.identity.namespace):
            result = subprocess.run(
                [self._programs / "tailscale", f"--socket={SOCKET}", *arguments],
                cwd=self._directory,
                env={"PATH": PATH},
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode != 0:
            raise HypervisorError(
                f"`tailscale {arguments[0]}` of {self.identity.hostname} failed: {result.stderr.strip()}"
            )
        return result.stdout

    def close(self) -> None:
        self._daemon.close()
