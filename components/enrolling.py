"""A host enrolled and dismissed, with the vault, over SSH, and with the tailnet.

VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT say which vault; SSH_AUTH_SOCK has the operator's identity;
TAILSCALE_… is as for Tailscale's own provider.
"""

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import hvac
import requests
from fabric import Connection
from invoke.exceptions import CommandTimedOut
from paramiko import SSHException

from components.cloud_init.delivery import ENROL
from components.errors import TenantryError
from components.ssh import connected
from components.tailnet import Tailnet
from components.vault_client import explained, vault_client

WRAPPED_SECONDS = 600
"""How long the wrapping of a secret id can be opened."""

ENROL_SECONDS = 180
"""A host gets its certificate, starts its services, and unlocks its volume meanwhile."""


class EnrolmentError(TenantryError):
    """A host could not do its enrolment; the message has its reason."""


def enrol(host: Mapping[str, Any]) -> dict[str, Any]:
    """What the host says of its new identity, nothing of it secret.

    Raises EnrolmentError, SshError, VaultError.
    """
    with connected(host["host"], host["address"], host["host_key"]) as connection:
        token = _wrapped(host)
        sent = {"role": host["tier"], "role_id": host["role_id"], "wrapping_token": token}
        try:
            answer = json.loads(_answer(connection, host["host"], json.dumps(sent)))
        except EnrolmentError:
            _spend(token)
            raise
    return {"serial": answer["serial"], "accessor": answer.get("accessor")}


def _wrapped(host: Mapping[str, Any]) -> str:
    """A token that opens once, and to a secret id that works once, and from where the guardrail is alone."""
    vault = vault_client()
    place = [f"{host['speaker_address']}/32"]
    with explained(vault.url, f"no secret id for {host['host']!r}"):
        wrapped = vault.auth.approle.generate_secret_id(
            host["role"],
            metadata={"host": host["host"]},
            cidr_list=place,
            token_bound_cidrs=place,
            wrap_ttl=f"{WRAPPED_SECONDS}s",
        )
    return str(wrapped["wrap_info"]["token"])


def _answer(connection: Connection, host: str, sent: str) -> str:
    try:
        said = connection.run(
            f"sudo {ENROL}", in_stream=io.StringIO(sent), hide=True, warn=True, timeout=ENROL_SECONDS
        )
    except CommandTimedOut:
        reason = f"it gave no answer within {ENROL_SECONDS} s"
    except (SSHException, EOFError, OSError) as error:
        reason = f"the connection broke ({type(error).__name__})"
    else:
        if said.ok:
            return str(said.stdout)
        reason = (said.stderr.strip().splitlines() or ["it gave no reason"])[-1]
    msg = f"{host!r} can't be enrolled: {reason}; see its journal, mend that, then run this again"
    raise EnrolmentError(msg)


def _spend(token: str) -> None:
    """What the host has not opened, nobody will."""
    vault = vault_client()
    vault.token = token
    with suppress(hvac.exceptions.VaultError, requests.RequestException):
        vault.sys.unwrap()


def dismiss(host: Mapping[str, Any]) -> None:
    """Take the host's token and its place in the mesh; what has gone already is well.

    Raises TailnetError, VaultError.
    """
    revoke(host)
    with Tailnet() as tailnet:
        tailnet.remove_device(host["device_id"])


def revoke(host: Mapping[str, Any]) -> None:
    """Take the host's token, if it keeps one; what the vault doesn't know has ended. Raises VaultError."""
    if not host.get("accessor"):
        return
    vault = vault_client()
    with explained(vault.url, f"the token of {host['host']!r} can't be revoked"):
        try:
            vault.auth.token.revoke_accessor(host["accessor"])
        except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
            return
