"""Keys of every kind: made, found, changed, revoked."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.clock import now
from local_cloud.hypervisor.mesh.model import MeshUnknownError
from local_cloud.tailscale import ids
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError, ForbiddenError, NotFoundError
from local_cloud.tailscale.keys.tags import permit_tags
from local_cloud.tailscale.scopes import SCOPES
from local_cloud.tailscale.tables import Key

SCOPE_OF = {"auth": "auth_keys", "client": "oauth_keys", "api": "api_access_tokens"}
"""What a token has to have to work with keys of a kind. A client's own tokens go with the client."""

TAGGED_SCOPES = ("all", "devices:core", "auth_keys")
"""With one of these, an OAuth client has to have tags."""


def scope_of(key: Key) -> str:
    return SCOPE_OF["client" if key.issued_by else key.kind]


def create_auth_key(
    call: Call,
    *,
    description: str,
    expiry_seconds: int,
    tags: Sequence[str],
    reusable: bool,
    ephemeral: bool,
    preauthorized: bool,
) -> tuple[Key, str]:
    """The key, and its secret, which nobody can ask for again."""
    call.holder.require("auth_keys")
    if not call.holder.user_id and not tags:
        raise BadRequestError("tailnet-owned auth key must have tags set")
    permit_tags(call, tags)
    expires = now() + timedelta(seconds=expiry_seconds)
    made = call.coordination.create_key(
        tags=tags, reusable=reusable, ephemeral=ephemeral, expires_at=expires.replace(tzinfo=UTC)
    )
    call.if_undone(lambda: call.coordination.expire_key(made.id))
    key = _new(call, "auth", description, (), tags)
    key.expires, key.expiry_seconds, key.mesh_key_id = expires, expiry_seconds, made.id
    key.reusable, key.ephemeral, key.preauthorized = reusable, ephemeral, preauthorized
    call.session.add(key)
    call.session.flush()
    return key, made.secret


def create_client(
    call: Call, *, description: str, scopes: Sequence[str], tags: Sequence[str]
) -> tuple[Key, str]:
    """An OAuth client, and its secret."""
    call.holder.require("oauth_keys")
    _check_client(call, scopes, tags)
    key = _new(call, "client", description, scopes, tags)
    secret = ids.new_secret("client", key.id)
    key.digest = ids.digest_of(secret)
    call.session.add(key)
    call.session.flush()
    return key, secret


def update_client(
    call: Call, key: Key, *, description: str, scopes: Sequence[str], tags: Sequence[str]
) -> None:
    call.holder.require(scope_of(key))
    if key.kind != "client" or key.revoked:
        raise BadRequestError("only OAuth clients that are not revoked can be changed")
    _check_client(call, scopes, tags)
    key.description, key.scopes, key.tags = description, list(scopes), list(tags)


def find_key(call: Call, key_id: str) -> Key:
    """Raises NotFoundError, or ForbiddenError for a key of a kind that the caller may not see."""
    key = call.session.get(Key, key_id)
    if key is None:
        raise NotFoundError("key not found")
    if key.id != call.holder.key_id:
        call.holder.require(f"{scope_of(key)}:read")
    return key


def list_keys(call: Call, *, everything: bool) -> list[Key]:
    """Active ones: all that the caller may see, or else a user's own, or else the tailnet's OAuth clients."""
    holder = call.holder
    found = call.session.scalars(select(Key).order_by(Key.created, Key.id)).all()
    used = used_keys(call, found)
    visible = [key for key in found if holder.may(f"{scope_of(key)}:read") and not is_invalid(key, used)]
    if everything:
        return visible
    if holder.user_id:
        return [key for key in visible if key.user_id == holder.user_id]
    return [key for key in visible if key.kind == "client"]


def revoke_key(call: Call, key: Key) -> None:
    """For good: nobody joins or calls with it, or with what an OAuth client got with it, any more."""
    call.holder.require(scope_of(key))
    if key.mesh_key_id and not key.revoked:
        with suppress(MeshUnknownError):  # headscale may have forgotten it already
            call.coordination.expire_key(key.mesh_key_id)
    moment = now()
    for one in call.session.scalars(select(Key).where(or_(Key.id == key.id, Key.issued_by == key.id))):
        one.revoked = one.revoked or moment


def used_keys(call: Call, keys: Collection[Key]) -> frozenset[str]:
    """The ids of auth keys that let one device join and now let nobody."""
    asked = {key.mesh_key_id for key in keys if key.mesh_key_id and not key.reusable and not key.revoked}
    if not asked:
        return frozenset()
    used = {key.id for key in call.coordination.list_keys() if key.used}
    return frozenset(key.id for key in keys if key.mesh_key_id in asked & used)


def is_invalid(key: Key, used: Collection[str]) -> bool:
    expired = key.expires is not None and key.expires <= now()
    return expired or key.revoked is not None or key.id in used


def forget_expired_tokens(session: Session) -> None:
    """What OAuth clients got and can't use any more; otherwise they would be many."""
    for key in session.scalars(select(Key).where(Key.issued_by.is_not(None), Key.expires <= now())):
        session.delete(key)


def _new(call: Call, kind: str, description: str, scopes: Sequence[str], tags: Sequence[str]) -> Key:
    return Key(
        id=ids.new_id("k"),
        kind=kind,
        user_id=call.holder.user_id,
        description=description,
        created=now(),
        scopes=list(scopes),
        tags=list(tags),
    )


def _check_client(call: Call, scopes: Sequence[str], tags: Sequence[str]) -> None:
    if unknown := sorted(set(scopes) - SCOPES):
        raise BadRequestError(f'unknown scope "{unknown[0]}"')
    if not scopes:
        raise BadRequestError("scopes: an OAuth client has at least one")
    if not all(call.holder.may(scope) for scope in scopes):
        raise ForbiddenError
    if set(scopes).intersection(TAGGED_SCOPES) and not tags:
        raise BadRequestError(
            f"tags: an OAuth client with one of the scopes {', '.join(TAGGED_SCOPES)} needs them"
        )
    permit_tags(call, tags)
