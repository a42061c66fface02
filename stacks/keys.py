"""`python -m stacks.keys set|list|remove TENANT …`: a customer's provider keys, straight to the vault.

A key is read from standard input, or typed unseen, and goes to the vault and nowhere else: no argument, no
file, no resource, no log has it. Deliberately no way to read one back: only the tenant's guardrail can.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import hvac
import typer
from rich.console import Console
from rich.table import Table

from components.errors import TenantryError
from components.naming import PLATFORM, NameRefusedError, check_tenant
from components.vault_client import explained, vault_client
from components.vault_layout import keys_mount, provider_key
from stacks.errors import StacksError

PROVIDER_PATTERN = r"[a-z0-9]+(-[a-z0-9]+)*"
LONGEST_KEY = 4096

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
Tenant = Annotated[str, typer.Argument(help="The tenant's name.")]
Provider = Annotated[str, typer.Argument(help="The provider, as in a model's name: `anthropic`, `openai`.")]


class KeysError(StacksError):
    """A key can't be written, listed or removed; the message never has it."""


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """What may be known of a key: not what it is."""

    provider: str
    version: int
    written: datetime


class Keys:
    """One tenant's keys in the vault, which is asked at once whether it has a place for them.

    Every method raises VaultError, KeysError.
    """

    def __init__(self, tenant: str, vault: hvac.Client) -> None:
        self._tenant = _checked_tenant(tenant)
        self._vault = vault
        self._kv = vault.secrets.kv.v2
        self._mount = keys_mount(tenant)
        with explained(vault.url, f"the keys of {tenant!r} can't be looked for"):
            self._refuse_missing_mount()

    def write(self, provider: str, key: str) -> int:
        """Store a key; the next request of the guardrail's uses it. Returns its version."""
        path = _path(provider)
        with explained(self._vault.url, f"the key for {provider!r} of {self._tenant!r} is not stored"):
            answer = self._kv.create_or_update_secret(path, {"key": key}, mount_point=self._mount)
        return int(answer["data"]["version"])

    def stored(self) -> list[StoredKey]:
        """The keys there are, by provider."""
        with explained(self._vault.url, f"the keys of {self._tenant!r} can't be listed"):
            return [self._described(provider) for provider in self._providers()]

    def remove(self, provider: str) -> None:
        """Delete a key, with all its earlier versions."""
        path = _path(provider)
        with explained(self._vault.url, f"the key for {provider!r} of {self._tenant!r} is not removed"):
            known = self._providers()
            if provider in known:
                self._kv.delete_metadata_and_all_versions(path, mount_point=self._mount)
                return
        there = ", ".join(known) or "none"
        raise KeysError(f"{self._tenant!r} has no key for {provider!r}: choose of those there are ({there})")

    def _providers(self) -> Sequence[str]:
        try:
            answer = self._kv.list_secrets(provider_key(""), mount_point=self._mount)
        except hvac.exceptions.InvalidPath:
            return ()
        return tuple(sorted(answer["data"]["keys"]))

    def _described(self, provider: str) -> StoredKey:
        metadata = self._kv.read_secret_metadata(provider_key(provider), mount_point=self._mount)["data"]
        written = datetime.fromisoformat(metadata["updated_time"])
        return StoredKey(provider=provider, version=int(metadata["current_version"]), written=written)

    def _refuse_missing_mount(self) -> None:
        """The vault itself would only say "no handler"."""
        if f"{self._mount}/" in self._vault.read("sys/mounts")["data"]:
            return
        msg = (
            f"the vault has no place for keys of {self._tenant!r}: have `- {self._tenant}` in "
            f"Pulumi.{PLATFORM}.yaml, and run `python -m stacks.up {PLATFORM}`"
        )
        raise KeysError(msg)


def _checked_tenant(tenant: str) -> str:
    try:
        return check_tenant(tenant)
    except NameRefusedError as error:
        raise KeysError(str(error)) from error


def _path(provider: str) -> str:
    if not re.fullmatch(PROVIDER_PATTERN, provider):
        msg = f"{provider!r} is no provider's name: write it as in a model's name, for instance 'anthropic'"
        raise KeysError(msg)
    return provider_key(provider)


def given_key() -> str:
    """The key from standard input, or typed without being shown. Raises KeysError when it can't be one."""
    text = typer.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read(LONGEST_KEY + 2)
    key = text.strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable() or " " in key:
        msg = f"what was given is no key ({len(key)} characters): pipe one line in, or type it when asked"
        raise KeysError(msg)
    return key


@app.command("set")
def set_key(tenant: Tenant, provider: Provider) -> None:
    """Store a provider's key, read from standard input or typed; one that is there is replaced."""
    keys = Keys(tenant, vault_client())
    _path(provider)
    version = keys.write(provider, given_key())
    typer.echo(f"stored: {tenant}'s key for {provider}, version {version}")


@app.command("list")
def list_keys(tenant: Tenant) -> None:
    """Show for which providers a tenant has keys, and since when; never a key."""
    table = Table("provider", "version", "written")
    for key in Keys(tenant, vault_client()).stored():
        table.add_row(key.provider, str(key.version), f"{key.written:%Y-%m-%d %H:%M} UTC")
    Console().print(table)


@app.command("remove")
def remove_key(tenant: Tenant, provider: Provider) -> None:
    """Delete a provider's key, all versions of it."""
    Keys(tenant, vault_client()).remove(provider)
    typer.echo(f"removed: {tenant}'s key for {provider}")


def main() -> int:
    """The command line; a failure is one line."""
    try:
        app()
    except TenantryError as error:
        typer.echo(f"error: {error}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
