"""Identifiers: random, or, with a seed, the same ones in the same order every time."""

import hashlib
import secrets
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from local_cloud.digitalocean.tables import Sequence

FIRST = {"droplet": 418_000_000, "action": 2_300_000_000, "ssh_key": 43_000_000, "account": 14_000_000}
"""Where numbers start, in the range that DigitalOcean's are in today."""

LARGEST_STEP = 1_000


class Ids:
    """Hands out ids that were never handed out before, also across restarts."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed

    @property
    def seeded(self) -> bool:
        return self._seed is not None

    def number(self, session: Session, kind: str) -> int:
        step = 1 if self.seeded else 1 + secrets.randbelow(LARGEST_STEP)
        return self._advance(session, kind, step)

    def uuid(self, session: Session, kind: str) -> str:
        if self._seed is None:
            return str(uuid4())
        count = self._advance(session, f"{kind}.uuid", 1)
        digest = hashlib.sha256(f"{self._seed}:{kind}:{count}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))

    @staticmethod
    def _advance(session: Session, name: str, step: int) -> int:
        row = session.get(Sequence, name)
        if row is None:
            row = Sequence(name=name, value=FIRST.get(name, 0))
            session.add(row)
        row.value += step
        session.flush()
        return row.value


def new_password() -> str:
    """A password as DigitalOcean makes them for database users; never seeded."""
    return "AVNS_" + secrets.token_urlsafe(14).replace("-", "x").replace("_", "y")


def new_token() -> str:
    """A personal access token, in DigitalOcean's format."""
    return "dop_v1_" + secrets.token_hex(32)


def token_digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
