"""Host keys: the one that a program pins, and what happens when a host shows another."""

import base64
import binascii

import paramiko

from toolchain.plugins.base.errors import ProviderError


class HostKeyError(paramiko.SSHException):
    """The host has no key of the type that was pinned."""


def parse(line: str) -> paramiko.PKey:
    """A key as in authorized_keys: `ssh-ed25519 AAAA… comment`. Raises ProviderError."""
    type_, _, rest = line.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split()[0], validate=True)
        return paramiko.PKey.from_type_string(type_, blob)
    except (IndexError, binascii.Error, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
        raise ProviderError(
            "the connection's hostKey is no public key; write it as in /etc/ssh/ssh_host_ed25519_key.pub: "
            '"ssh-ed25519 AAAA…"'
        ) from None


class Pinned(paramiko.MissingHostKeyPolicy):
    """Lets any host key pass where none is pinned, as the official provider does; else no other."""

    def __init__(self, expected: str | None) -> None:
        self._expected = expected

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        if self._expected:
            raise HostKeyError(f"{hostname} has no key of the pinned type but {key.get_name()}")
