"""The other end of the second audit device: takes the vault's records as datagrams, keeps them in a file.

A record is lost when it comes faster than it is written, or is longer than a datagram can be (64 KiB): the
other device has it.
"""

import logging
import os
import select
import socket
import threading
from pathlib import Path
from typing import BinaryIO

from local_cloud.hypervisor.namespaces import entered
from local_cloud.hypervisor.vault.configuration import COLLECTOR_PORT, LOOPBACK
from local_cloud.hypervisor.vault.rotation import rotate_if_large

LONGEST_RECORD = 65_535
BUFFER_BYTES = 4 << 20
SO_RCVBUFFORCE = 33
"""From Linux' asm-generic/socket.h: Python's socket module lacks it."""

_log = logging.getLogger(__name__)


class Collector:
    """Listens in the namespace, from its construction to `close`."""

    def __init__(self, namespace: str, file: Path) -> None:
        self._file = file
        self._closing = os.eventfd(0)
        with entered(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.bind((str(LOOPBACK), COLLECTOR_PORT))
        self._thread = threading.Thread(target=self._collect, name="collector of the vault", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Returns when all that has come is written."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._closing)

    def _collect(self) -> None:
        poll = select.poll()
        for descriptor in (self._socket.fileno(), self._closing):
            poll.register(descriptor, select.POLLIN)
        ready: set[int] = set()
        while self._closing not in ready:
            ready = {descriptor for descriptor, _ in poll.poll()}
            try:
                self._write_what_has_come()
            except OSError as error:
                _log.warning("an audit record of the vault is lost: %s", error)

    def _write_what_has_come(self) -> None:
        rotate_if_large(self._file)
        with _appending(self._file) as file:
            while True:
                try:
                    record = self._socket.recv(LONGEST_RECORD)
                except BlockingIOError:
                    return
                file.write(record)


def _appending(file: Path) -> BinaryIO:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)
