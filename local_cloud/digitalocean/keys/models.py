"""SSH public keys, found by id or by MD5 fingerprint."""

import base64
import binascii
import hashlib

from sqlalchemy import select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.errors import NotFoundError, UnprocessableEntityError
from local_cloud.digitalocean.tables import SshKey

KEY_TYPES = (
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def fingerprint(public_key: str) -> str:
    """The MD5 fingerprint that DigitalOcean shows. Raises UnprocessableEntityError for no public key."""
    fields = public_key.split()
    if len(fields) < 2 or fields[0] not in KEY_TYPES:
        raise UnprocessableEntityError("Key invalid, key should be of the format `type key [comment]`")
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except binascii.Error as error:
        raise UnprocessableEntityError("Key invalid, its body is no base64") from error
    if not blob.startswith(len(fields[0]).to_bytes(4, "big") + fields[0].encode()):
        raise UnprocessableEntityError(f"Key invalid, its body is of no {fields[0]} key")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def add_key(call: Call, name: str, public_key: str) -> SshKey:
    """Raises UnprocessableEntityError when the account has the key already."""
    mark = fingerprint(public_key)
    if _by_fingerprint(call, mark):
        raise UnprocessableEntityError("SSH Key is already in use on your account")
    key = SshKey(
        id=call.cloud.ids.number(call.session, "ssh_key"),
        account_id=call.account.id,
        name=name,
        public_key=public_key.strip(),
        fingerprint=mark,
    )
    call.session.add(key)
    return key


def find_key(call: Call, identifier: str | int) -> SshKey:
    """By id or fingerprint. Raises NotFoundError."""
    if str(identifier).isdecimal():
        return call.own(SshKey, int(identifier))
    key = _by_fingerprint(call, str(identifier))
    if key is None:
        raise NotFoundError
    return key


def list_keys(call: Call) -> list[SshKey]:
    mine = select(SshKey).where(SshKey.account_id == call.account.id).order_by(SshKey.id)
    return list(call.session.scalars(mine))


def _by_fingerprint(call: Call, mark: str) -> SshKey | None:
    return call.session.scalar(
        select(SshKey).where(SshKey.account_id == call.account.id, SshKey.fingerprint == mark)
    )
