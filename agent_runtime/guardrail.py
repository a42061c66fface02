"""The guardrail's TLS endpoint in the VPC: enrolment, renewal of certificates, keys of data volumes.

It is the agents' way to the vault and decides as little as it can: an agent enrols with its own one-time
secret, which the vault judges. Model routes are deliberately not here yet.
"""

import base64
import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress

from agent_runtime import certificates
from agent_runtime.certificates import Certificate
from agent_runtime.enrolments import Enrolments
from agent_runtime.errors import (
    RefusedError,
    RequestRefusedError,
    ServiceError,
    SettingsError,
    UnavailableError,
)
from agent_runtime.guardrail_client import PORT
from agent_runtime.places import Places
from agent_runtime.server.contexts import ServerContexts
from agent_runtime.server.limits import Pace
from agent_runtime.server.routes import HttpError, Peer, Request, Route, Routes
from agent_runtime.server.server import Server
from agent_runtime.settings import Settings, names_of
from agent_runtime.vault import Vault

ENROLMENTS_PER_MINUTE = 12
"""From one address: each makes the vault work, and its sender has shown no certificate."""

logger = logging.getLogger(__name__)


class Guardrail:
    """The routes' functions. `vault` is asked with this guardrail's own token, except at an enrolment."""

    def __init__(self, settings: Settings, places: Places, vault: Vault) -> None:
        self._settings = settings
        self._places = places
        self._vault = vault
        self._enrolments = Enrolments(places.enrolments)
        self._pace = Pace(ENROLMENTS_PER_MINUTE)

    def routes(self) -> Routes:
        return Routes(
            Route(method="GET", path="/v1/health", may=self._is_of_tenant, handle=self._health),
            Route(
                method="POST",
                path="/v1/enrol",
                may=lambda _: True,
                handle=self._enrol,
                fields=frozenset({"role_id", "wrapping_token", "csr"}),
            ),
            Route(
                method="POST",
                path="/v1/renew",
                may=self._is_agent,
                handle=self._renew,
                fields=frozenset({"csr"}),
            ),
            Route(method="POST", path="/v1/volume-key", may=self._is_agent, handle=self._volume_key),
        )

    def _is_of_tenant(self, peer: Peer) -> bool:
        return peer is not None

    def _is_agent(self, peer: Peer) -> bool:
        return peer is not None and peer.name in self._settings.agents

    def _health(self, _: Request) -> Mapping[str, str]:
        return {"host": self._settings.host, "status": "ok"}

    def _enrol(self, request: Request) -> Mapping[str, str]:
        """A certificate for whoever holds a secret id that was made for the host that it names."""
        if not self._pace.allows(request.address):
            raise HttpError(429, "too many enrolments from this address; wait a minute")
        csr = request.body["csr"]
        host = certificates.common_name(csr)
        if host not in self._settings.agents:
            raise RequestRefusedError(f"{host[:100]!r} is no agent's host of tenant {self._settings.tenant}")
        certificates.check_request(csr, names_of(self._settings.tenant, host))
        certificate = self._signed_as_agent(request.body, host)
        logger.info("enrolled %s at %s", host, request.address)
        return {"certificate": certificate}

    def _signed_as_agent(self, body: Mapping[str, str], host: str) -> str:
        secret_id = self._vault.unwrap(body["wrapping_token"], "agent")
        try:
            login = self._vault.login(body["role_id"], secret_id)
        except UnavailableError as error:
            raise _used_up(error) from error
        try:
            login.check_made_for(host)
            with self._enrolments.one_at_a_time(host):
                certificate = self._signed(login.token, host, body["csr"])
                self._enrolments.record(certificates.parse(certificate))
        except UnavailableError as error:
            raise _used_up(error) from error
        finally:
            with suppress(ServiceError):  # it ends by itself within minutes
                self._vault.revoke(login.token)
        return certificate

    def _renew(self, request: Request) -> Mapping[str, str]:
        shown, csr = _shown(request), request.body["csr"]
        certificates.check_request(csr, names_of(self._settings.tenant, shown.name))
        with self._enrolments.one_at_a_time(shown.name):
            self._enrolments.check(shown)
            return {"certificate": self._signed(self._token(), shown.name, csr)}

    def _signed(self, token: str, host: str, csr: str) -> str:
        names = names_of(self._settings.tenant, host)
        return self._vault.sign(token, "agent", csr, names, self._settings.certificate_ttl)

    def _volume_key(self, request: Request) -> Mapping[str, str]:
        shown = _shown(request)
        self._enrolments.check(shown)
        key = self._vault.volume_key(self._token(), shown.name)
        return {"key": base64.b64encode(key).decode()}

    def _token(self) -> str:
        try:
            return self._places.vault_token.read_text()
        except OSError as error:
            raise UnavailableError(
                f"the guardrail has no vault token ({error.strerror}); enrol it again with `pulumi up`"
            ) from error


def _used_up(reason: UnavailableError) -> RefusedError:
    """So that nobody tries again: it would look as if the secret had been intercepted."""
    return RefusedError(f"the one-time secret is used up, but {reason}: enrol with a new one")


def vault_of(settings: Settings) -> Vault:
    """The vault of a guardrail's settings. Raises SettingsError on any other host."""
    if settings.vault is None:
        raise SettingsError(f"{settings.host} has no vault in its settings: only a guardrail has one")
    return Vault(settings.tenant, settings.vault)


def server(settings: Settings, places: Places, port: int = PORT) -> Server:
    """The server, listening. Clients without a certificate get no further than their enrolment."""
    guardrail = Guardrail(settings, places, vault_of(settings))
    contexts = ServerContexts(places.identity, settings.tenant_ca, clients=ssl.CERT_OPTIONAL)
    return Server((settings.vpc_address, port), guardrail.routes(), contexts)


def _shown(request: Request) -> Certificate:
    """The certificate of the peer of a route that lets nobody in without a certificate."""
    if request.peer is None:
        raise HttpError(401, "a client certificate is needed")
    return request.peer
