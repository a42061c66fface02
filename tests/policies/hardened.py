"""User-data as HardenedHost composes it, with keys made at run time, to be judged whole or broken."""

import secrets
from ipaddress import IPv4Network

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from components.cloud_init import HostConfig, MeshJoin, user_data
from components.flows import Endpoint


def public_key() -> str:
    """A real one: a made-up text of A's has no entropy."""
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def mesh_key() -> str:
    """In the form of Tailscale's."""
    return f"tskey-auth-{secrets.token_hex(8)}CNTRL-{secrets.token_hex(16)}"


SSH_CA = public_key()


def hardened(
    *,
    tier: Endpoint = Endpoint.AGENT,
    agent: str = "writer",
    key: str | None = None,
    tenant: str = "acme",
) -> str:
    name = f"{tenant}-{tier}-{agent}-1"
    return user_data(
        HostConfig(
            hostname=name,
            tenant=tenant,
            tier=tier,
            ip_range=IPv4Network("10.32.0.0/24"),
            mesh=MeshJoin(
                hostname=f"{name}-{secrets.token_hex(4)}",
                auth_key=mesh_key() if key is None else key,
                login_server="https://192.200.0.101",
                coordination=("192.200.0.101/32",),
                peers=("198.18.255.0/24",),
            ),
            ssh_ca=SSH_CA,
            ssh_keys=(f"{public_key()} somebody@somewhere",),
        )
    )


def changed(old: str, new: str) -> str:
    """The user-data with a text in it replaced; an error when it doesn't have it."""
    text = hardened()
    assert old in text, f"user-data has no {old!r} any more"
    return text.replace(old, new)


def with_file(path: str, content: str, *, keys: str = "") -> str:
    """The user-data with one more file, written last."""
    body = "".join(f"    {line}\n" for line in content.splitlines())
    return f"{hardened()}- path: {path}\n  content: |\n{body}{keys}"
