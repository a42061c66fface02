"""The operator's identity for one run: a key that lives in an SSH agent, and a certificate of the vault's.

`python -m stacks.identity [tenant…] -- COMMAND` runs a command under it. The key is made here and is never a
file; the vault's SSH CA signs it for the chosen tenants alone and for an hour; the agent is the run's own,
forgets the key when the certificate ends, and ends with the run, also when that is killed. Deliberately not
the agent of whoever runs it: people's own keys are no business of a host's.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import hvac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.errors import TenantryError
from components.naming import tenant_tag
from components.vault_client import explained, vault_client
from components.vault_layout import SSH, SSH_ROLE, SSH_SECONDS
from stacks import policy_pack
from stacks.errors import IdentityError
from stacks.project import Project

_CERTIFICATE = b"ssh-ed25519-cert-v01@openssh.com"
_ADD_CONSTRAINED, _LIFETIME, _SUCCESS = 25, 1, 6
"""Of the agent's protocol (draft-ietf-sshm-ssh-agent): a message, one of its constraints, an answer."""

# The shell waits for the end of its input, which also comes when whoever started it was killed.
_AGENT = ("ssh-agent", "sh", "-c", 'echo "$SSH_AUTH_SOCK"; cat; kill "$SSH_AGENT_PID"')


@contextmanager
def operator_identity(
    tenants: Sequence[str], environment: Mapping[str, str] = os.environ
) -> Iterator[dict[str, str]]:
    """What SSH clients find the identity by: SSH_AUTH_SOCK.

    Raises IdentityError, VaultError.
    """
    key = Ed25519PrivateKey.generate()
    certificate = _signed(environment, key, [tenant_tag(tenant) for tenant in tenants])
    with _agent() as path:
        _hand_over(path, key, certificate)
        yield {"SSH_AUTH_SOCK": path}


def _signed(environment: Mapping[str, str], key: Ed25519PrivateKey, principals: Sequence[str]) -> bytes:
    """The vault's certificate for the key, in SSH's binary form. Raises IdentityError, VaultError."""
    vault = vault_client(environment)
    asked = ", ".join(principals)
    with explained(vault.url, f"no certificate for {asked}"):
        try:
            answer = vault.secrets.ssh.sign_ssh_key(
                name=SSH_ROLE,
                public_key=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
                ttl=f"{SSH_SECONDS}s",
                valid_principals=",".join(principals),
                extensions={},
                mount_point=SSH,
            )
        except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest) as error:
            raise IdentityError(_unknown(asked, error)) from None
    return b64decode(str(answer["data"]["signed_key"]).split()[1])


def _unknown(principals: str, error: hvac.exceptions.VaultError) -> str:
    said = "; ".join(map(str, error.errors or ())) or type(error).__name__
    return (
        f"the vault's SSH CA signs no certificate for {principals} ({said}): check the names; tenants have "
        "to be in the platform's spec, and that up, with `python -m stacks.up platform`"
    )


@contextmanager
def _agent() -> Iterator[str]:
    """The socket of an agent of our own, in a directory that the agent makes for its user, and removes."""
    try:
        process = subprocess.Popen(
            _AGENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
    except FileNotFoundError:
        raise IdentityError("no `ssh-agent` on PATH: install OpenSSH's client") from None
    assert process.stdin is not None  # noqa: S101 - pipes, as asked for
    assert process.stdout is not None  # noqa: S101
    with process:
        try:
            path = process.stdout.readline().strip()
            if not path:
                raise IdentityError("`ssh-agent` does not start: is the folder for temporary files writable?")
            yield path
        finally:
            process.stdin.close()


def _hand_over(path: str, key: Ed25519PrivateKey, certificate: bytes) -> None:
    """By the agent's own protocol: ssh-add takes keys with certificates from files alone."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) + public
    fields = (_CERTIFICATE, certificate, public, private, b"tenantry operator")
    constraint = struct.pack(">BI", _LIFETIME, SSH_SECONDS)
    message = bytes([_ADD_CONSTRAINED]) + b"".join(map(_string, fields)) + constraint
    with socket.socket(socket.AF_UNIX) as agent:
        agent.connect(path)
        agent.sendall(_string(message))
        answer = agent.recv(5)
    if answer[4:] != bytes([_SUCCESS]):
        raise IdentityError("`ssh-agent` takes no certificate: is it OpenSSH's, and not of another maker?")


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def run(command: Sequence[str], tenants: Sequence[str], rules: Mapping[str, str]) -> int:
    """Run a command under the identity, and return its exit code; `rules` make the engine judge what it does.

    Raises IdentityError, VaultError.
    """
    with operator_identity(tenants) as identity:
        try:
            process = subprocess.Popen(command, env={**os.environ, **rules, **identity})
        except OSError as error:
            raise IdentityError(f"can't run {command[0]!r}: {error.strerror}") from None
        # Ctrl-C in a terminal reaches the command too, and is the command's to answer.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return process.wait()


def main(arguments: Sequence[str]) -> int:
    """`[tenant…] -- COMMAND`; without tenants, all that have a spec."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    tenants, command = arguments[:split], arguments[split + 1 :]
    if not command:
        sys.stderr.write("usage: python -m stacks.identity [tenant…] -- COMMAND [argument…]\n")
        return 2
    try:
        project = Project.of_environment()
        project.sync(project.stacks)
        return run(command, tenants or project.tenants, policy_pack.environment(project.folder))
    except TenantryError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
