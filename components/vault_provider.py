"""Mounts, settings and authorities of the vault, kept as they should be through its API.

Dynamic providers: the engine pickles them by reference and runs them in a process of its own, so a class may
not move and has no state. Nothing secret is among inputs or outputs: which vault, and by what right, comes
from the environment (components/vault_client.py). Creating is idempotent: what an earlier run left behind, or
a lost state, is taken over. Deliberately no customer's secret passes here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import hvac
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from components.vault_client import VaultError, explained, vault_client

Props = dict[str, Any]

MOUNT_SECONDS = 10
"""For a new key-value mount to become usable: the vault prepares its versions after it has answered."""


class _Provider(ResourceProvider):
    """What all kinds share: `wanted` are the inputs that are compared, `fixed` can't be changed in place."""

    serialize_as_secret_always = False
    kind: ClassVar[str]
    wanted: ClassVar[tuple[str, ...]]
    fixed: ClassVar[tuple[str, ...]] = ("path",)

    def put(self, vault: hvac.Client, props: Props) -> None:
        """Make it so, whether or not something is there already."""
        raise NotImplementedError

    def look(self, vault: hvac.Client, props: Props) -> Props | None:
        """What it is like, in the form of its inputs and outputs; None when it isn't there."""
        raise NotImplementedError

    def take(self, vault: hvac.Client, props: Props) -> None:
        """Delete it; one that isn't there, or whose mount isn't, is well."""
        with suppress(hvac.exceptions.InvalidPath):
            vault.delete(props["path"])

    def create(self, props: Props) -> CreateResult:
        with self._asked("created", props) as vault:
            return CreateResult(id_=props["path"], outs=self._put(vault, props))

    def read(self, id_: str, props: Props) -> ReadResult:
        with self._asked("read", props) as vault:
            found = self.look(vault, props)
        return ReadResult(id_="", outs={}) if found is None else ReadResult(id_=id_, outs={**props, **found})

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        changed = [key for key in self.wanted if _olds.get(key) != _news.get(key)]
        replaces = [key for key in changed if key in self.fixed]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        with self._asked("updated", _news) as vault:
            return UpdateResult(outs=self._put(vault, _news))

    def delete(self, _id: str, _props: Props) -> None:
        with self._asked("deleted", _props) as vault:
            self.take(vault, _props)

    def _put(self, vault: hvac.Client, props: Props) -> Props:
        wanted: Props = _whole(props)
        self.put(vault, wanted)
        return {**wanted, **(self.look(vault, wanted) or {})}

    @contextmanager
    def _asked(self, verb: str, props: Props) -> Iterator[hvac.Client]:
        vault = vault_client()
        with explained(vault.url, f"the {self.kind} {props['path']!r} can't be {verb}"):
            yield vault


class MountProvider(_Provider):
    """A secrets engine. `options` and `config` are the vault's.

    One that turns out to be of another kind is refused and not replaced: that would delete what is in it.
    """

    kind = "vault's mount"
    wanted = ("path", "type", "options", "config")
    api: ClassVar[str] = "sys/mounts"

    def put(self, vault: hvac.Client, props: Props) -> None:
        """A mount that is there is kept with all that is in it, unless it is of another type."""
        found = self.look(vault, props)
        if found is None:
            settings = {key: props[key] for key in ("type", "options", "config")}
            vault.write_data(f"{self.api}/{props['path']}", data=settings)
        elif any(found[key] != props[key] for key in ("type", "options")):
            raise VaultError(_of_another_kind(found, props))
        elif props["config"]:
            vault.write_data(f"{self.api}/{props['path']}/tune", data=props["config"])
        if props["type"] == "kv":
            _wait_until_usable(vault, props["path"])

    def look(self, vault: hvac.Client, props: Props) -> Props | None:
        mounts = vault.read(self.api)["data"]
        found = mounts.get(f"{props['path']}/")
        if found is None:
            return None
        live = found["config"]
        config = {key: live.get(key) for key in props["config"]}
        return {"type": found["type"], "options": found["options"] or {}, "config": config}

    def take(self, vault: hvac.Client, props: Props) -> None:
        vault.delete(f"{self.api}/{props['path']}")


class AuthMethodProvider(MountProvider):
    """A way to log in."""

    kind = "vault's auth method"
    api = "sys/auth"


class SettingProvider(_Provider):
    """`data`, written to and read from one path: a policy, a role. Fields that `data` hasn't are let be."""

    kind = "vault's setting"
    wanted = ("path", "data")

    def put(self, vault: hvac.Client, props: Props) -> None:
        vault.write_data(props["path"], data=props["data"])

    def look(self, vault: hvac.Client, props: Props) -> Props | None:
        found = _read(vault, props["path"])
        return None if found is None else {"data": {key: found.get(key) for key in props["data"]}}


class AppRoleProvider(SettingProvider):
    """A role by which a host logs in. `role_id` names it and is no secret; the secret id is never here."""

    kind = "vault's AppRole"

    def look(self, vault: hvac.Client, props: Props) -> Props | None:
        found = super().look(vault, props)
        named = _read(vault, f"{props['path']}/role-id")
        return None if found is None or named is None else {**found, "role_id": named["role_id"]}


class _AuthorityProvider(_Provider):
    """A key pair that the vault made and never gives away; `path` is its mount's. It goes when that goes."""

    wanted = ("path",)
    made_at: ClassVar[str]
    read_at: ClassVar[str]
    public: ClassVar[str]

    def put(self, vault: hvac.Client, props: Props) -> None:
        if self.look(vault, props) is None:
            vault.write_data(f"{props['path']}/{self.made_at}", data=props["settings"])

    def look(self, vault: hvac.Client, props: Props) -> Props | None:
        found = _read(vault, f"{props['path']}/{self.read_at}")
        return {"public": found[self.public].strip()} if found and found.get(self.public) else None

    def take(self, vault: hvac.Client, props: Props) -> None:
        """Nothing: without its mount there is none, and with it there is always one."""


class CertificateAuthorityProvider(_AuthorityProvider):
    """A PKI mount's root."""

    kind = "vault's certificate authority"
    made_at, read_at, public = "root/generate/internal", "cert/ca", "certificate"


class SshAuthorityProvider(_AuthorityProvider):
    """An SSH mount's signing key."""

    kind = "vault's SSH authority"
    made_at, read_at, public = "config/ca", "config/ca", "public_key"


def _of_another_kind(found: Props, wanted: Props) -> str:
    kinds = f"{found['type']} {found['options']}, not {wanted['type']} {wanted['options']}"
    return (
        f"the vault has a mount {wanted['path']!r} of another kind ({kinds}): "
        "somebody else made it; move it to another path"
    )


def _whole(value: Any) -> Any:
    """The engine's protocol makes every number a float, which the vault takes for no duration."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(each) for key, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value


def _read(vault: hvac.Client, path: str) -> Mapping[str, Any] | None:
    """The data at a path; None when it or its mount isn't there, which the vault says in three ways."""
    try:
        answer = vault.read(path)
    except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
        return None
    return answer["data"] if answer else None


def _wait_until_usable(vault: hvac.Client, path: str) -> None:
    deadline = time.monotonic() + MOUNT_SECONDS
    while True:
        try:
            vault.read(f"{path}/config")
        except hvac.exceptions.InvalidRequest:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
