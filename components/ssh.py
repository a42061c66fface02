"""SSH into a host, over the mesh: as the administrator, by the operator's agent, to the pinned key alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from fabric import Config, Connection
from paramiko import BadHostKeyException, RejectPolicy, SSHException
from paramiko.hostkeys import HostKeyEntry

from components.cloud_init.accounts import ADMINISTRATOR
from components.errors import TenantryError

CONNECT_SECONDS = 40
"""A host that boots, or is new to us in the mesh, answers late: SYNs go after 0, 1, 3, 7, 15 and 31 s."""
SECONDS = 15
"""For each step from then until the host has let us in."""


class SshError(TenantryError):
    """A host could not be entered; the message says why, and what to do."""


@contextmanager
def connected(host: str, address: str, host_key: str) -> Iterator[Connection]:
    """An open connection. `host_key` is as OpenSSH writes it, `ssh-ed25519 AAAA…`. Raises SshError."""
    connection = Connection(
        address,
        user=ADMINISTRATOR,
        config=Config(overrides={"load_ssh_configs": False}),
        connect_timeout=CONNECT_SECONDS,
        connect_kwargs={"look_for_keys": False, "banner_timeout": SECONDS, "auth_timeout": SECONDS},
    )
    with connection:
        _pin(connection, address, host_key)
        try:
            connection.open()
        except (SSHException, EOFError, OSError) as error:
            raise SshError(_refusal(host, address, error)) from error
        yield connection


def _pin(connection: Connection, address: str, host_key: str) -> None:
    entry = HostKeyEntry.from_line(f"{address} {host_key}")
    connection.client.set_missing_host_key_policy(RejectPolicy())
    connection.client.get_host_keys().add(address, entry.key.get_name(), entry.key)


def _refusal(host: str, address: str, error: Exception) -> str:
    if isinstance(error, BadHostKeyException):
        return (
            f"{host!r} shows another host key than was pinned when it joined: unless you know why, take it "
            f"for compromised; `python -m stacks.replace {host}` makes another"
        )
    return (
        f"can't enter {host!r} at {address} over the mesh ({type(error).__name__}: {error}): run this as an "
        f"operator (`python -m stacks.identity -- …`); if the host is lost, `python -m stacks.replace {host}`"
    )
