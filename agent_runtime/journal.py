"""Messages to the journal, and to systemd itself: one line each, with its priority."""

import logging
import os
import socket
import sys
from contextlib import suppress

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Line(logging.Formatter):
    """journald reads the priority from `<n>` (sd-daemon(3)); a message of several lines stays one entry."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " | ")
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{text}" if "JOURNAL_STREAM" in os.environ else text


def set_up() -> None:
    """Send all of Python's logging to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def tell_systemd(state: str) -> None:
    """`READY=1` and the like (sd_notify(3)); nothing happens when systemd didn't start us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify, suppress(OSError):
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.sendall(state.encode())
