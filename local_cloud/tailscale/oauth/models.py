"""An OAuth client's credentials, exchanged for an access token of an hour."""

import hmac
from collections.abc import Collection
from datetime import timedelta

from local_cloud.digitalocean.clock import now
from local_cloud.tailscale import ids
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError, ForbiddenError, UnauthorizedError
from local_cloud.tailscale.keys.models import forget_expired_tokens
from local_cloud.tailscale.scopes import granted
from local_cloud.tailscale.tables import Key

TOKEN_SECONDS = 3600


def client_of(call: Call, client_id: str, secret: str) -> Key:
    """Raises UnauthorizedError, the same whether the client is unknown, revoked, or shows a wrong secret."""
    key = call.session.get(Key, client_id)
    known = key.digest if key and key.kind == "client" and not key.revoked else None
    if key is None or known is None or not hmac.compare_digest(known, ids.digest_of(secret)):
        raise UnauthorizedError("invalid OAuth client credentials")
    return key


def issue_token(call: Call, client: Key, scopes: Collection[str], tags: Collection[str]) -> tuple[Key, str]:
    """A token with what the client has, or with the part of it that is asked for."""
    if not all(granted(client.scopes, scope) for scope in scopes):
        raise ForbiddenError("the OAuth client does not have every scope that was asked for")
    if unknown := sorted(set(tags) - set(client.tags)):
        raise BadRequestError(f"requested tags [{' '.join(unknown)}] are invalid or not permitted")
    forget_expired_tokens(call.session)
    key = Key(
        id=ids.new_id("k"),
        kind="api",
        user_id="",
        description=client.description,
        created=now(),
        expires=now() + timedelta(seconds=TOKEN_SECONDS),
        expiry_seconds=TOKEN_SECONDS,
        scopes=sorted(scopes or client.scopes),
        tags=sorted(tags or client.tags),
        issued_by=client.id,
    )
    secret = ids.new_secret("api", key.id)
    key.digest = ids.digest_of(secret)
    call.session.add(key)
    return key, secret
