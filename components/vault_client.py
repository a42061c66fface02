"""The vault as its own tools find it: VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT; and what its refusals mean."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import hvac
import requests

from components.errors import TenantryError

SECONDS = (20, 30)
"""To connect, and to answer. Between two that are new to one another in the mesh, a first packet may be lost
and go again after 5 s: WireGuard's REKEY_TIMEOUT.
"""


class VaultError(TenantryError):
    """The vault could not be asked, is sealed, or refused; the message says what for, and the way out."""


def vault_client(environment: Mapping[str, str] = os.environ) -> hvac.Client:
    """A client; nothing is asked yet. Raises VaultError naming the variable that isn't set, or is wrong."""
    for name in ("VAULT_ADDR", "VAULT_TOKEN"):
        if not environment.get(name):
            msg = f"no {name}: set it, or run this through `python -m local_cloud exec --`"
            raise VaultError(msg)
    certificate = environment.get("VAULT_CACERT")
    if certificate and not os.access(certificate, os.R_OK):
        msg = f"can't read VAULT_CACERT {certificate!r}: set it to the PEM file of the vault's CA"
        raise VaultError(msg)
    return hvac.Client(
        url=environment["VAULT_ADDR"],
        token=environment["VAULT_TOKEN"],
        verify=certificate or True,
        timeout=SECONDS,
    )


@contextmanager
def explained(url: str, what: str) -> Iterator[None]:
    """Turns what hvac raises into a VaultError: what was asked for, why it failed, the way out."""
    try:
        yield
    except requests.RequestException as error:
        msg = f"{what}: the vault at {url} can't be reached ({type(error).__name__})"
        fix = "is it up, are VAULT_ADDR and VAULT_CACERT right, does the tailnet's policy let you?"
        raise VaultError(f"{msg}: {fix}") from None
    except hvac.exceptions.VaultDown:
        msg = f"{what}: the vault at {url} is sealed: unseal it with `bao operator unseal`"
        raise VaultError(f"{msg}; on the local cloud, `make down` and `make up`") from None
    except hvac.exceptions.Forbidden:
        msg = f"{what}: the vault at {url} refuses VAULT_TOKEN: has it expired, does its policy let it?"
        raise VaultError(msg) from None
    except hvac.exceptions.VaultError as error:
        said = "; ".join(map(str, error.errors or ())) or type(error).__name__
        raise VaultError(f"{what}: the vault at {url} refuses: {said}") from None
