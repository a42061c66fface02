"""What a guardrail asks of the vault. Nothing here keeps, logs or repeats a token.

The layout of mounts and roles is the platform stack's; each path that a tenant's hosts use is in this file.
"""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from agent_runtime import certificates
from agent_runtime.errors import RefusedError, ServiceError, UnavailableError, WrappingError
from agent_runtime.https import Answer, Service, client_context
from agent_runtime.settings import HOST_NAME, VaultPlace

VOLUME_KEY_BYTES = 64
_INTERCEPTED = (
    "it may have been intercepted: look in the vault's audit log for who unwrapped it, destroy the secret "
    "ids of its role, and enrol again with `pulumi up`"
)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A token, what it can be revoked by, and what the vault knows of the secret id it was given for."""

    token: str = field(repr=False)
    accessor: str
    metadata: Mapping[str, str]

    def check_made_for(self, host: str) -> None:
        """Raises RefusedError when the secret id was made for another host."""
        if self.metadata.get("host") != host:
            raise RefusedError(f"the secret id was not made for {host}: enrol it by `pulumi up`")


class Vault:
    """The vault as one tenant's hosts see it. Every call may raise UnavailableError or RefusedError."""

    def __init__(self, tenant: str, place: VaultPlace, seconds: float = 10.0) -> None:
        url = urlsplit(place.address)
        self._tenant = tenant
        self._service = Service(
            name="the vault",
            host=url.hostname or "",
            port=url.port or 443,
            context=client_context(place.certificate),
            seconds=seconds,
        )

    def unwrap(self, wrapping_token: str, role: str) -> str:
        """The secret id of this role in a wrapping token. Raises WrappingError when it isn't there any more.

        Where it was wrapped is looked up first: whoever replaces a token can't make that say what it should.
        """
        looked_up = self._ask("POST", "sys/wrapping/lookup", {"token": wrapping_token})
        if looked_up.status in {400, 403, 404}:
            raise WrappingError(f"the wrapping token was used already or has expired; {_INTERCEPTED}")
        made_by = str(_data(looked_up).get("creation_path", ""))
        if made_by.rstrip("/") != f"auth/approle/role/tenant-{self._tenant}-{role}/secret-id":
            raise WrappingError(f"the wrapping token is of {made_by!r}, not of this role; {_INTERCEPTED}")
        answer = self._ask("POST", "sys/wrapping/unwrap", token=wrapping_token)
        if answer.status != 200:
            raise WrappingError(f"the wrapping token was used just now by somebody else; {_INTERCEPTED}")
        return str(_data(answer)["secret_id"])

    def login(self, role_id: str, secret_id: str) -> Login:
        body = {"role_id": role_id, "secret_id": secret_id}
        auth = self._done("log in", self._ask("POST", "auth/approle/login", body))["auth"]
        return Login(
            token=str(auth["client_token"]),
            accessor=str(auth["accessor"]),
            metadata=auth.get("metadata") or {},
        )

    def sign(self, token: str, role: str, request: str, names: Sequence[str], seconds: int) -> str:
        """The certificate for a request's key, and what leads to the tenant's CA, in PEM.

        It is for these names, the first of them the host's own: the vault takes none from the request.
        """
        body = {"csr": request, "ttl": f"{seconds}s", "common_name": names[0], "alt_names": ",".join(names)}
        answer = self._ask("POST", f"tenants/{self._tenant}/pki/sign/{role}", body, token)
        data = self._done(f"sign a certificate as {role}", answer)["data"]
        return certificates.chain(data["certificate"], data.get("ca_chain") or [data["issuing_ca"]])

    def renew(self, token: str) -> int:
        """Seconds that the token lives from now on."""
        answer = self._ask("POST", "auth/token/renew-self", {}, token)
        return int(self._done("renew the token", answer)["auth"]["lease_duration"])

    def revoke(self, token: str) -> None:
        self._done("revoke a token", self._ask("POST", "auth/token/revoke-self", {}, token))

    def volume_key(self, token: str, host: str) -> bytes:
        """The key of this host's data volume: made when there has never been one, and never a second time."""
        path = self._volume_path(host)
        found = self._ask("GET", path, token=token)
        if found.status == 404 and "data" not in found.body:
            key = base64.b64encode(os.urandom(VOLUME_KEY_BYTES)).decode()
            made = self._ask("POST", path, {"options": {"cas": 0}, "data": {"key": key}}, token)
            found = self._ask("GET", path, token=token)
            if found.status == 404:  # else it is there, made by this request or by another at the same time
                self._done(f"make {path}", made)
        if found.status == 404:
            raise RefusedError(f"{path} was deleted in the vault: undelete it, or its volume's data is lost")
        return _key(self._done(f"read {path}", found)["data"]["data"], path)

    def _volume_path(self, host: str) -> str:
        if HOST_NAME.fullmatch(host) is None:
            raise RefusedError(f"{host!r} is no host's name, so it has no volume key")
        return f"tenants/{self._tenant}/volumes/data/{host}"

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Answer:
        headers = {} if token is None else {"X-Vault-Token": token}
        answer = self._service.call(method, f"/v1/{path}", body, headers)
        if answer.status >= 500 or answer.status == 429:
            what = "sealed: unseal it" if answer.status == 503 else f"failing with status {answer.status}"
            raise UnavailableError(f"the vault at {self._service.host} is {what}; it is tried again")
        return answer

    def _done(self, what: str, answer: Answer) -> Mapping[str, Any]:
        if answer.status == 204:
            return {}
        if answer.status != 200:
            reasons = "; ".join(str(reason) for reason in answer.body.get("errors") or ())
            text = re.sub(r"\s+", " ", reasons)[:300] or "it gives no reason"
            raise RefusedError(f"the vault refuses to {what} (status {answer.status}): {text}")
        return answer.body


def _data(answer: Answer) -> Mapping[str, Any]:
    data = answer.body.get("data")
    if answer.status != 200 or not isinstance(data, dict):
        raise ServiceError(f"the vault answered {answer.status}, without what it was asked for")
    return data


def _key(secret: Mapping[str, Any], path: str) -> bytes:
    try:
        key = base64.b64decode(str(secret.get("key", "")), validate=True)
    except ValueError:
        key = b""
    if len(key) != VOLUME_KEY_BYTES:
        raise RefusedError(f"{path} in the vault holds no key of {VOLUME_KEY_BYTES} bytes: restore it")
    return key
