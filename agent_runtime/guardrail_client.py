"""What an agent's host asks of its guardrail, which asks the vault: no agent reaches the vault itself."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_runtime.errors import RefusedError, UnavailableError
from agent_runtime.https import Service, client_context
from agent_runtime.settings import Settings

PORT = 8443


class GuardrailClient:
    """Without an identity file it can do nothing but enrol. Calls raise UnavailableError or RefusedError."""

    def __init__(self, settings: Settings, identity: Path | None = None, port: int = PORT) -> None:
        self._service = Service(
            name="the guardrail",
            host=settings.guardrail,
            port=port,
            context=client_context(settings.tenant_ca, identity),
            seconds=30.0,  # it asks the vault several times, 10 s each
        )

    def enrol(self, role_id: str, wrapping_token: str, request: str) -> str:
        """The certificate and what leads to the tenant's CA, in PEM."""
        body = {"role_id": role_id, "wrapping_token": wrapping_token, "csr": request}
        return str(self._post("/v1/enrol", body)["certificate"])

    def renew(self, request: str) -> str:
        return str(self._post("/v1/renew", {"csr": request})["certificate"])

    def volume_key(self) -> bytes:
        """The key of this host's own data volume."""
        return base64.b64decode(self._post("/v1/volume-key", {})["key"])

    def _post(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._service.call("POST", path, body)
        if answer.status == 200:
            return answer.body
        reason = str(answer.body.get("error", "no reason given"))
        if answer.status >= 500 or answer.status == 429:
            raise UnavailableError(f"the guardrail can't do {path} now: {reason}")
        raise RefusedError(f"the guardrail refuses {path} (status {answer.status}): {reason}")
