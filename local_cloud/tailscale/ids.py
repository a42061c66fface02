"""Identifiers and secrets in Tailscale's forms."""

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
USER_ID = "u1CNTRL"
"""Of the tailnet's one user, who owns what is made with an API key."""


def new_id(prefix: str) -> str:
    return f"{prefix}{_random(11)}CNTRL"


def new_secret(kind: str, key_id: str) -> str:
    """A key of the kind `api` or `client`, which carries its own id."""
    return f"tskey-{kind}-{key_id}-{_random(32)}"


def new_api_key() -> str:
    return new_secret("api", new_id("k"))


def node_id(mesh_id: str, machine_key: str) -> str:
    """The `nodeId` of a device: headscale's number may come again, this doesn't."""
    digest = hashlib.sha256(f"{mesh_id}:{machine_key}".encode()).digest()
    return "n" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:11]) + "CNTRL"


def digest_of(secret: str) -> str:
    """What is stored of a secret that its holder shows."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
