"""Enrolment: a one-time secret from standard input becomes this host's identity.

The key is made here and never leaves. What was given is used up and forgotten: nothing of it is kept, except
on a guardrail the vault token that it stands for.
"""

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TypeVar

from agent_runtime import certificates
from agent_runtime.errors import EnrolmentError, HostError, ServiceError, UnavailableError
from agent_runtime.files import write
from agent_runtime.guardrail import vault_of
from agent_runtime.guardrail_client import GuardrailClient
from agent_runtime.identity import GROUP, new_identity
from agent_runtime.places import Places
from agent_runtime.settings import Settings
from agent_runtime.vault import Login

VAULT_GROUP = "tenantry-vault"
"""May read the vault token: the guardrail's server and nothing else."""

MAX_GIVEN = 16 * 1024
PATIENCE_SECONDS = 90.0
"""A guardrail may have been enrolled a moment ago, or the vault be on its way up."""
FIRST_PAUSE = 0.5

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the control plane hands over."""

    role: str
    role_id: str
    wrapping_token: str = field(repr=False)


def read_given(stream: IO[str]) -> Given:
    """Raises EnrolmentError, without repeating what was given."""
    try:
        given = json.loads(stream.read(MAX_GIVEN))
    except (ValueError, RecursionError):
        raise EnrolmentError("standard input holds no JSON: it takes role, role_id, wrapping_token") from None
    names = {"role", "role_id", "wrapping_token"}
    if not isinstance(given, dict) or set(given) != names:
        raise EnrolmentError("standard input must be one object with role, role_id and wrapping_token")
    if not all(isinstance(value, str) and value for value in given.values()):
        raise EnrolmentError("role, role_id and wrapping_token must be texts that aren't empty")
    return Given(**given)


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """What the control plane learns of it. `accessor` is that of the token which a guardrail keeps."""

    host: str
    serial: str
    not_after: str
    accessor: str | None


def enrol(settings: Settings, places: Places, given: Given) -> Enrolled:
    """Get and keep this host's identity. Raises HostError, and keeps nothing then."""
    if given.role != settings.tier:
        raise EnrolmentError(f"the host's tier is {settings.tier}, and the secret is for a {given.role}")
    if not places.identity.parent.is_dir():
        raise EnrolmentError(f"{places.identity.parent} is missing: install the release first")
    content, login = (_as_agent if settings.tier == "agent" else _as_guardrail)(settings, given)
    if login is not None:
        write(places.vault_token, login.token, mode=0o640, owner=GROUP, group=VAULT_GROUP)
    write(places.identity, content, mode=0o640, owner=GROUP)
    certificate = certificates.parse(content)
    return Enrolled(
        host=certificate.name,
        serial=certificate.serial,
        not_after=certificate.not_after.isoformat(),
        accessor=login.accessor if login else None,
    )


def _as_agent(settings: Settings, given: Given) -> tuple[str, None]:
    client = GuardrailClient(settings)

    def sign(request: str) -> str:
        return patiently(lambda: client.enrol(given.role_id, given.wrapping_token, request))

    return new_identity(settings, sign), None


def _as_guardrail(settings: Settings, given: Given) -> tuple[str, Login]:
    """A token that leads to no certificate is revoked."""
    vault = vault_of(settings)
    secret_id = patiently(lambda: vault.unwrap(given.wrapping_token, "guardrail"))
    login = patiently(lambda: vault.login(given.role_id, secret_id))

    def sign(request: str) -> str:
        names, ttl = settings.names, settings.certificate_ttl
        return patiently(lambda: vault.sign(login.token, "guardrail", request, names, ttl))

    try:
        login.check_made_for(settings.host)
        return new_identity(settings, sign), login
    except HostError:
        with suppress(ServiceError):  # unrenewed, it ends by itself
            vault.revoke(login.token)
        raise


def patiently(call: Callable[[], T]) -> T:
    """Call again while the other side can't be reached, for so long."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
    while True:
        try:
            return call()
        except UnavailableError as error:
            if time.monotonic() + pause > deadline:
                raise
            if pause == FIRST_PAUSE:
                logger.warning("%s; trying again for %.0f s", error, PATIENCE_SECONDS)
            time.sleep(pause)
            pause = min(pause * 2, 8.0)
