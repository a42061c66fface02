"""The coordination server and relay: headscale, on the internet of the local cloud.

Its own API listens where droplets reach it, as it can't be told otherwise; who has no key gets a 401 there.
Metrics and gRPC are on the namespace's loopback, which no packet from a network reaches.
"""

import json
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.mesh.addresses import (
    COORDINATION_ADDRESS,
    HTTPS_PORT,
    LOGIN_SERVER,
    STUN_PORT,
)
from local_cloud.hypervisor.mesh.daemon import PATH, Daemon, Program
from local_cloud.hypervisor.mesh.model import MESH_RANGE
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.networks.internet import NAMESPACE

START_SECONDS = 30.0
KEY_DAYS = 3650
SOCKET = "headscale.sock"
CONFIGURATION = "headscale.json"
MESH_RANGE_V6 = "fd7a:115c:a1e0::/48"
"""Tailscale's, and the only one that its clients take."""


def configuration() -> Mapping[str, Any]:
    """What headscale is told; paths are relative to its working directory."""
    return {
        "server_url": LOGIN_SERVER,
        "listen_addr": f"{COORDINATION_ADDRESS}:{HTTPS_PORT}",
        "metrics_listen_addr": "127.0.0.1:9090",
        "grpc_listen_addr": "127.0.0.1:50443",
        "tls_cert_path": "server.crt",
        "tls_key_path": "server.key",
        "unix_socket": SOCKET,
        "unix_socket_permission": "0600",
        "noise": {"private_key_path": "noise.key"},  # pragma: allowlist secret
        "prefixes": {"v4": str(MESH_RANGE), "v6": MESH_RANGE_V6, "allocation": "sequential"},
        "derp": {
            "server": {
                "enabled": True,
                "region_id": 900,
                "region_code": "local",
                "region_name": "Local cloud",
                "stun_listen_addr": f"{COORDINATION_ADDRESS}:{STUN_PORT}",
                "private_key_path": "derp.key",  # pragma: allowlist secret
                "automatically_add_embedded_derp_region": True,
                "ipv4": str(COORDINATION_ADDRESS),
            },
            "urls": [],
            "auto_update_enabled": False,
        },
        "disable_check_updates": True,
        "ephemeral_node_inactivity_timeout": "30m",
        "database": {"type": "sqlite", "sqlite": {"path": "headscale.db", "write_ahead_log": True}},
        "policy": {"mode": "database"},
        "dns": {"magic_dns": False, "override_local_dns": False, "base_domain": "local.tailnet"},
        # Else nodes hear of one another in rounds of 0.8 s, and a first packet between them waits for 5 s.
        "tuning": {"batch_change_delay": "20ms"},
        "cli": {"timeout": f"{START_SECONDS:.0f}s"},
        "logtail": {"enabled": False},
        "log": {"format": "text", "level": "info"},
    }


class Headscale:
    """The server as a process, all it knows kept in `directory`."""

    def __init__(self, program: Path, directory: Path, authority: Authority) -> None:
        self._program = program
        self._directory = directory
        self._authority = authority
        self._daemon = Daemon(
            Program(
                name="headscale",
                command=[str(program), "--config", CONFIGURATION, "serve"],
                namespace=NAMESPACE,
                directory=directory,
            )
        )

    def start(self) -> None:
        """Returns when it answers. Raises HypervisorError when it doesn't."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        self._authority.issue(self._directory, (), (COORDINATION_ADDRESS,), owner=0)
        (self._directory / CONFIGURATION).write_text(json.dumps(configuration(), indent=2))
        self._daemon.start()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if not self._daemon.is_running or time.monotonic() > deadline:
                raise HypervisorError(
                    f"the coordination server does not come up: {self._daemon.last_words()}"
                )
            time.sleep(0.02)

    def _listens(self) -> bool:
        address = (str(COORDINATION_ADDRESS), HTTPS_PORT)
        try:
            with namespaces.entered(NAMESPACE), socket.create_connection(address, timeout=1):
                return True
        except OSError:
            return False

    def new_api_key(self) -> str:
        """A key for its own API, for as long as this cloud may be up."""
        return self._command("apikeys", "create", "--expiration", f"{KEY_DAYS}d")

    def _command(self, *arguments: str) -> str:
        result = subprocess.run(
            [self._program, "--config", CONFIGURATION, *arguments],
            cwd=self._directory,
            env={"PATH": PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise HypervisorError(f"`headscale {arguments[0]}` failed: {result.stderr.strip()}")
        return result.stdout.strip()

    def close(self) -> None:
        self._daemon.close()
