"""Real networks for tests, in namespaces of one thread's own: nothing is seen outside, nothing remains."""

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Interface
from pathlib import Path
from typing import ParamSpec, TypeVar

from local_cloud.hypervisor.model import PUBLIC_NETWORK, Interface
from local_cloud.hypervisor.namespaces import entered
from local_cloud.hypervisor.networks.networks import Networks

CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000
CONNECT_SECONDS = 1.5
"""A SYN that is lost goes again after a second."""

P = ParamSpec("P")
T = TypeVar("T")


def isolate() -> None:
    """Give this thread mounts and a network of its own, with an empty /run/netns."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_FS | CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/run/netns").mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)


class Laboratory:
    """Networks and endpoints; all is done in the one thread that sees them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, initializer=isolate)
        self.networks = self.do(Networks)
        self._listeners: list[socket.socket] = []

    def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._thread.submit(function, *args, **kwargs).result(60)

    def attach(self, number: int, network: str, address: str, user_data: str | None = None) -> str:
        """An endpoint `droplet:<number>`; returns its namespace."""
        namespace = f"d-{number}"
        card = Interface(network=network, address=IPv4Interface(address), mac=f"02:00:00:00:00:{number:02x}")
        metadata = {"droplet_id": number, "hostname": f"host-{number}"}
        self.do(self.networks.attach, f"droplet:{number}", namespace, [card], metadata, user_data)
        return namespace

    def detach(self, number: int) -> None:
        self.do(self.networks.detach, f"droplet:{number}")

    def listen(self, namespace: str, port: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
        return self.do(self._listen, namespace, port, kind)

    def connect(self, namespace: str, host: str, port: int, source: str = "") -> socket.socket | None:
        """A connection from inside the namespace; None when it can't be had."""
        return self.do(_connect, namespace, host, port, source)

    def reaches(self, namespace: str, host: str, port: int, source: str = "") -> bool:
        connection = self.connect(namespace, host, port, source)
        if connection is not None:
            connection.close()
        return connection is not None

    def run(self, namespace: str, *command: str) -> subprocess.CompletedProcess[str]:
        return self.do(_run, namespace, command)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self.do(self.networks.close)
        left = self.do(os.listdir, "/run/netns")
        self._thread.shutdown()
        assert left == [], "networks leave no namespace behind"

    def _listen(self, namespace: str, port: int, kind: int) -> socket.socket:
        with entered(namespace):
            listener = socket.socket(socket.AF_INET, kind)
        listener.bind(("", port))
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self._listeners.append(listener)
        return listener


def _connect(namespace: str, host: str, port: int, source: str) -> socket.socket | None:
    try:
        with entered(namespace):
            return socket.create_connection((host, port), CONNECT_SECONDS, (source, 0) if source else None)
    except OSError:
        return None


def _run(namespace: str, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    with entered(namespace):
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


__all__ = ["PUBLIC_NETWORK", "Laboratory"]
