"""What OpenBao's server is told: one JSON file, in which nothing is secret.

Neither of its audit devices can block, for one that does makes every request wait, whatever the other does:
a regular file lies beside the data, without which there is no vault either, and a datagram to a collector is
sent or lost at once. A request is refused only when neither takes its record.

OpenBao refuses to start when a device that it knows is configured otherwise: what is said of one here stays.
"""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

PORT = 8200
LOOPBACK = IPv4Address("127.0.0.1")
CLUSTER_PORT = 8201
"""Raft wants one, for other servers of the vault. There are none: it is bound to the loopback."""
COLLECTOR_PORT = 8202
FILE_DEVICE = "file"
COLLECTOR_DEVICE = "collector"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One server. Paths are as the server sees them; `certificate` and `key` are in PEM."""

    address: IPv4Address
    data: Path
    certificate: Path
    key: Path
    audit_file: Path
    port: int = PORT
    cluster_port: int = CLUSTER_PORT
    collector_port: int = COLLECTOR_PORT

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"

    def text(self) -> str:
        """As `bao server -config` reads it."""
        cluster = f"{LOOPBACK}:{self.cluster_port}"
        settings = {
            "ui": False,
            "api_addr": self.url,
            "cluster_addr": f"https://{cluster}",
            "storage": {"raft": {"path": str(self.data), "node_id": "vault", "performance_multiplier": 1}},
            "listener": [{"tcp": self._listener(cluster)}],
            "audit": self._audit_devices(),
        }
        return json.dumps(settings, indent=2)

    def _listener(self, cluster: str) -> dict[str, object]:
        return {
            "address": f"{self.address}:{self.port}",
            "cluster_address": cluster,
            "tls_cert_file": str(self.certificate),
            "tls_key_file": str(self.key),
            "tls_min_version": "tls12",
            "tls_disable_client_certs": True,
        }

    def _audit_devices(self) -> list[dict[str, object]]:
        file = {"file_path": str(self.audit_file), "mode": "0600"}
        collector = {"address": f"{LOOPBACK}:{self.collector_port}", "socket_type": "udp"}
        return [
            {"file": {FILE_DEVICE: {"description": "beside the data", "options": file}}},
            {"socket": {COLLECTOR_DEVICE: {"description": "by datagrams", "options": collector}}},
        ]
