"""Which certificates of agents count: the one of a host's last enrolment, and those renewed from it.

A host enrols anew when it is replaced or no longer trusted; an earlier key of it is then of no more use.
Deliberately no list of what is revoked: what has no record here is refused, and certificates live for hours.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from agent_runtime.certificates import Certificate
from agent_runtime.errors import RefusedError
from agent_runtime.files import write


class Enrolments:
    """A record for each host, by its name, in a folder of the guardrail's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, Lock] = {}

    @contextmanager
    def one_at_a_time(self, host: str) -> Iterator[None]:
        """Around what signs for a host: no renewal of before comes out of the vault after an enrolment."""
        with self._locks.setdefault(host, Lock()):
            yield

    def record(self, certificate: Certificate) -> None:
        """From now on a host's certificates are this one, and later ones."""
        record = {"serial": certificate.serial, "since": certificate.not_before.isoformat()}
        write(self._file(certificate.name), json.dumps(record) + "\n", mode=0o600)

    def check(self, shown: Certificate) -> None:
        """Whether it is of its host's last enrolment. Raises RefusedError.

        Certificates tell whole seconds: one that began in the enrolment's own may be of before.
        """
        host = shown.name
        try:
            record = json.loads(self._file(host).read_text())
            is_current = shown.serial == record["serial"] or shown.not_before > _time(record["since"])
        except (OSError, ValueError, KeyError, TypeError):
            raise RefusedError(
                f"this guardrail knows no enrolment of {host}: `python -m stacks.replace {host}` makes one"
            ) from None
        if not is_current:
            raise RefusedError(
                f"{host} was enrolled again since this certificate was made. If it has no later one, another "
                f"has its identity: see the guardrail's journal, then `python -m stacks.replace {host}`"
            )

    def _file(self, host: str) -> Path:
        return self._folder / f"{host}.json"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
