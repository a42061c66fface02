"""Keeps a host's identity alive: a new key and certificate in time, and the guardrail's vault token.

Servers find the new file by themselves, so nothing is restarted. A certificate that has expired can't renew
itself on an agent: that host has to be enrolled again, and the journal says so.
"""

import logging
import time
from collections.abc import Callable

from agent_runtime import certificates
from agent_runtime.certificates import Certificate
from agent_runtime.errors import IdentityError
from agent_runtime.files import write
from agent_runtime.guardrail import vault_of
from agent_runtime.guardrail_client import GuardrailClient
from agent_runtime.places import Places
from agent_runtime.schedule import Task
from agent_runtime.settings import Settings

GROUP = "tenantry-identity"
"""The user that renews, and the group that may read a host's key: its servers."""

logger = logging.getLogger(__name__)


def new_identity(settings: Settings, sign: Callable[[str], str]) -> str:
    """The content of an identity file: a new key, and the certificate that `sign` gives for its request.

    Raises IdentityError when that is not this host's.
    """
    key = certificates.new_key()
    signed = sign(certificates.request(key, settings.names))
    content = certificates.identity(key, signed)
    if (name := certificates.parse(signed).name) != settings.host:
        raise IdentityError(f"the certificate that came is for {name!r}, not for {settings.host!r}")
    return content


class Renewal:
    """Renews the certificate: a guardrail by the vault, an agent by its guardrail."""

    def __init__(self, settings: Settings, places: Places) -> None:
        self._settings = settings
        self._places = places

    def due(self) -> float:
        return certificates.read(self._places.identity).due.timestamp()

    def run(self) -> None:
        write(self._places.identity, new_identity(self._settings, self._sign), mode=0o640)
        renewed = certificates.read(self._places.identity)
        logger.info("the certificate is renewed: %s until %s", renewed.serial, renewed.not_after)

    def _sign(self, request: str) -> str:
        if self._settings.tier == "guardrail":
            token, ttl = _token(self._places), self._settings.certificate_ttl
            return vault_of(self._settings).sign(token, "guardrail", request, self._settings.names, ttl)
        self._refuse_expired(certificates.read(self._places.identity))
        return GuardrailClient(self._settings, self._places.identity).renew(request)

    def _refuse_expired(self, certificate: Certificate) -> None:
        if certificate.has_expired:
            raise IdentityError(
                f"the certificate of {certificate.name} expired at {certificate.not_after}: "
                "enrol this host again, by replacing its enrolment in `pulumi up`"
            )


class TokenRenewal:
    """Renews the guardrail's vault token at half of what it has left to live, first of all at the start."""

    def __init__(self, settings: Settings, places: Places, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._places = places
        self._clock = clock
        self._due = 0.0

    def due(self) -> float:
        return self._due

    def run(self) -> None:
        lives = vault_of(self._settings).renew(_token(self._places))
        self._due = self._clock() + lives / 2


def tasks(settings: Settings, places: Places) -> list[Task]:
    """What the identity daemon of a host has to do."""
    certificate = Renewal(settings, places)
    found = [Task(name="renewing the certificate", due=certificate.due, run=certificate.run)]
    if settings.tier == "guardrail":
        token = TokenRenewal(settings, places)
        found.append(Task(name="renewing the vault token", due=token.due, run=token.run))
    return found


def _token(places: Places) -> str:
    try:
        return places.vault_token.read_text()
    except OSError as error:
        raise IdentityError(
            f"{places.vault_token}: {error.strerror}; this guardrail has to enrol again with `pulumi up`"
        ) from error
