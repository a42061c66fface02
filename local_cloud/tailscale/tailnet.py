"""The tailnet as the services see it: its state, the coordination server, and who may call."""

import base64
import binascii
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.faults import Faults
from local_cloud.digitalocean.store import Store
from local_cloud.hypervisor.mesh.coordination import TAILNET_USER
from local_cloud.hypervisor.mesh.model import Coordination
from local_cloud.tailscale import ids, tables
from local_cloud.tailscale.policy.default import DEFAULT
from local_cloud.tailscale.policy.headscale import for_headscale
from local_cloud.tailscale.policy.model import Policy
from local_cloud.tailscale.policy.reading import read
from local_cloud.tailscale.scopes import Holder

NAME = "local.tailnet"
"""The tailnet's name, and the domain of its devices' names."""

MEMBER = f"{TAILNET_USER}@"
"""How a rule of headscale's names the user of untagged devices."""


class Tailnet:
    """Everything that outlives a call."""

    def __init__(self, store_path: Path, coordination: Coordination, *, api_key: str, faults: Faults) -> None:
        self.store = Store(store_path, tables.Base.metadata)
        self.coordination = coordination
        self.faults = faults
        self._operator = ids.digest_of(api_key)
        with self.store.writing() as session:
            if session.get(tables.PolicyFile, 1) is None:
                session.add(tables.PolicyFile(id=1, text=DEFAULT, untouched=True))
            self.admit_operator(session)

    def restore(self) -> None:
        """Gives the coordination server the policy that the state has. Raises HypervisorError."""
        with self.store.writing() as session:
            self.enforce(read(policy_file(session).text))

    def enforce(self, policy: Policy) -> None:
        """Raises MeshRefusedError or HypervisorError."""
        self.coordination.set_policy(for_headscale(policy, MEMBER))

    def holder(self, authorization: str) -> Holder | None:
        """Whose token the value of an Authorization header has, as bearer or as the name of a user."""
        token = _token(authorization)
        if token is None:
            return None
        with self.store.reading() as session:
            key = session.scalar(select(tables.Key).where(tables.Key.digest == ids.digest_of(token)))
            if key is None or key.kind != "api" or key.revoked or (key.expires and key.expires <= now()):
                return None
            return Holder(
                key_id=key.id, scopes=frozenset(key.scopes), tags=tuple(key.tags), user_id=key.user_id
            )

    def admit_operator(self, session: Session) -> None:
        """Lets the operator's own key in, which doesn't expire; once it is revoked it stays so."""
        if session.scalar(select(tables.Key).where(tables.Key.digest == self._operator)) is None:
            session.add(
                tables.Key(
                    id=ids.new_id("k"),
                    kind="api",
                    digest=self._operator,
                    user_id=ids.USER_ID,
                    description="operator of the local cloud",
                    created=now(),
                    scopes=["all"],
                    tags=[],
                )
            )

    def close(self) -> None:
        self.store.close()


def policy_file(session: Session) -> tables.PolicyFile:
    return session.get_one(tables.PolicyFile, 1)


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """User name and password of HTTP's basic scheme, or None."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password


def _token(authorization: str) -> str | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    credentials = basic_credentials(authorization)
    return credentials[0] if credentials else None
