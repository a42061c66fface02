"""What a host is offered to let us in: a private key, a password, and the keys of an SSH agent.

The agent's keys may be certificates: paramiko would offer such a key without its certificate.
"""

import io
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey, Password
from paramiko.pkey import PublicBlob

from toolchain.plugins.base.errors import ProviderError

AGENT_VARIABLE = "SSH_AUTH_SOCK"
CERTIFICATE_SUFFIX = "-cert-v01@openssh.com"


@dataclass(frozen=True)
class Credentials:
    """Who we are for one host. Its representation holds no secret."""

    user: str
    private_key: str | None = field(repr=False)
    private_key_password: str | None = field(repr=False)
    password: str | None = field(repr=False)
    agent: str | None

    @classmethod
    def parse(cls, connection: Mapping[str, Any]) -> Self:
        return cls(
            user=connection["user"],
            private_key=connection.get("privateKey"),
            private_key_password=connection.get("privateKeyPassword"),
            password=connection.get("password"),
            agent=connection.get("agentSocketPath") or os.environ.get(AGENT_VARIABLE) or None,
        )

    @property
    def tried(self) -> str:
        """What an error says that was refused."""
        offered = {
            "the private key": self.private_key,
            "the password": self.password,
            f"the keys of the SSH agent at {self.agent}": self.agent,
        }
        return (
            " and ".join(name for name, value in offered.items() if value) or "us, who had nothing to offer"
        )

    @property
    def way_out(self) -> str:
        if not (self.private_key or self.password or self.agent):
            return f"give the connection a privateKey or a password, or set {AGENT_VARIABLE} to an SSH agent"
        allowed = f'that "{self.user}" may log in with them'
        of_the_agent = "`ssh-add -l` (a certificate may have ended), and " if self.agent else ""
        return f"check {of_the_agent}{allowed}"


class HeldKey(AgentKey):
    """A key that an agent holds: with its certificate, where it has one."""

    def __init__(self, key: AgentKey) -> None:
        super().__init__(key.agent, key.blob, key.comment)
        if self.name.endswith(CERTIFICATE_SUFFIX):
            self.public_blob = PublicBlob(self.name, self.blob)

    def asbytes(self) -> bytes:
        """What the agent knows the key by; paramiko would leave the certificate out."""
        return bytes(self.blob)


class Agent(AgentSSH):
    """An agent at any socket. Raises ProviderError when none answers there."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            self._connect(connection)
        except (OSError, paramiko.SSHException) as error:
            connection.close()
            raise ProviderError(
                f"no SSH agent answers at {path} ({error}): start one, or correct agentSocketPath or "
                f"{AGENT_VARIABLE}"
            ) from None

    def close(self) -> None:
        self._close()

    @property
    def held_keys(self) -> Sequence[HeldKey]:
        """Certificates first: a server that trusts a CA rarely knows the bare keys, and counts failures."""
        keys = [HeldKey(key) for key in self.get_keys()]
        return sorted(keys, key=lambda each: each.public_blob is None)


class PasswordDialogue(AuthSource):
    """Answers every question of the host with the password."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username)
        self._password = password

    def authenticate(self, transport: paramiko.Transport) -> Any:
        return transport.auth_interactive(
            self.username, lambda _title, _text, asked: [self._password] * len(asked)
        )


class Offers(AuthStrategy):
    """The credentials in the official provider's order. A context: the agent's connection ends with it."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(ssh_config=None)
        self._credentials = credentials
        self._key: paramiko.PKey | None = None
        self._agent: Agent | None = None

    def __enter__(self) -> Self:
        """Read the key and find the agent, both before anything is dialed. Raises ProviderError."""
        if text := self._credentials.private_key:
            self._key = private_key(text, self._credentials.private_key_password)
        if self._credentials.agent:
            self._agent = Agent(self._credentials.agent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._agent:
            self._agent.close()

    def get_sources(self) -> Iterator[AuthSource]:
        user = self._credentials.user
        if self._key:
            yield InMemoryPrivateKey(user, self._key)
        if (password := self._credentials.password) is not None:
            yield Password(user, lambda: password)
            yield PasswordDialogue(user, password)
        for held in self._agent.held_keys if self._agent else ():
            yield InMemoryPrivateKey(user, held)


def private_key(text: str, password: str | None) -> paramiko.PKey:
    """A key of any type that SSH has. Raises ProviderError, which never quotes it."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password)
        except paramiko.PasswordRequiredException:
            raise ProviderError(
                "the connection's privateKey is encrypted: give its privateKeyPassword"
            ) from None
        except (paramiko.SSHException, ValueError):
            continue
    raise ProviderError(
        "the connection's privateKey can't be read: it must be a private key as OpenSSH or PEM has it, "
        "and privateKeyPassword, if given, its password"
    )
