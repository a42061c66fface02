"""The way into a host: what the program says of it, and dialing it as often as that allows.

Every failed dial is tried again, as in the official provider, for a host may still be starting. Only a
foreign host key isn't: a second look would not make it the right one.
"""

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import paramiko
from paramiko.ssh_exception import NoValidConnectionsError

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.logs import EngineLog
from toolchain.plugins.base.values import Properties, Secret
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.command.authentication import Credentials, Offers
from toolchain.plugins.command.errors import ForeignHostKey, Refused, Unreachable
from toolchain.plugins.command.host_keys import HostKeyError, Pinned, parse

DEFAULTS: Mapping[str, Any] = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
GROWTH = 1.5
UNLIMITED = -1
SECONDS_BETWEEN_SIGNS = 30
"""Of life, while a command says nothing: without them a host that has gone would be waited for forever."""
NO_WAY = (
    "check that the host runs, and that a network (is this machine in the mesh?) and the firewalls on the "
    "way lead to it"
)


@dataclass(frozen=True)
class Endpoint:
    """A host, or the proxy before it."""

    host: str
    port: int
    credentials: Credentials = field(repr=False)
    host_key: str | None
    dial_error_limit: int
    seconds_per_dial: float | None

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """From a `connection` or its `proxy`. Raises ProviderError for a key that is none."""
        filled = {**DEFAULTS, **given}
        return cls(
            host=filled["host"],
            port=int(filled["port"]),
            credentials=Credentials.parse(filled),
            host_key=filled.get("hostKey") or None,
            dial_error_limit=int(filled["dialErrorLimit"]),
            seconds_per_dial=float(filled["perDialTimeout"]) or None,
        )

    def __str__(self) -> str:
        return f"{self.credentials.user}@{self.host}:{self.port}"


def completed(inputs: Properties) -> Properties:
    """The inputs with the defaults of their connection, and of its proxy. Unknowns and secrets stay so."""
    return {**inputs, "connection": _filled(inputs["connection"])} if "connection" in inputs else inputs


def _filled(given: Any) -> Any:
    if isinstance(given, Secret):
        return Secret(_filled(given.value))
    if not isinstance(given, Mapping):
        return given
    filled = {**DEFAULTS, **given}
    return {**filled, "proxy": _filled(given["proxy"])} if given.get("proxy") else filled


class Dialer:
    """Dials, and tells the engine how it goes."""

    def __init__(self, waiter: Waiter, log: EngineLog) -> None:
        self._waiter = waiter
        self._log = log

    @contextmanager
    def connected(self, connection: Mapping[str, Any]) -> Iterator[paramiko.SSHClient]:
        """A client that has been let in. Raises Unreachable; Cancelled."""
        target = Endpoint.parse(connection)
        with ExitStack() as stack:
            if through := connection.get("proxy"):
                proxy = Endpoint.parse(through)
                bastion = stack.enter_context(closing(self._dial(proxy, "Dial proxy", lambda: dial(proxy))))
                client = self._dial(
                    target, "Dial from proxy", lambda: dial(target, tunnel(bastion, proxy, target))
                )
            else:
                client = self._dial(target, "Dial", lambda: dial(target))
            stack.enter_context(closing(client))
            try:
                yield client
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise ProviderError(f"the connection to {target} broke: {_said(error)}") from None

    def _dial(
        self, endpoint: Endpoint, what: str, attempt: Callable[[], paramiko.SSHClient]
    ) -> paramiko.SSHClient:
        limit = endpoint.dial_error_limit
        wait, dials = FIRST_WAIT, 0
        while True:
            self._waiter.pause(0)  # a cancelled update dials nothing
            try:
                return attempt()
            except ForeignHostKey:
                raise
            except Unreachable as error:
                dials += 1
                if UNLIMITED < limit < dials:
                    raise type(error)(f"{error} (dialed {dials} times)") from None
            self._log.status(f"{what} {dials}/{'inf' if limit == UNLIMITED else limit} failed: retrying")
            self._waiter.pause(wait)
            wait = min(wait * GROWTH, LONGEST_WAIT)


def dial(endpoint: Endpoint, through: paramiko.Channel | None = None) -> paramiko.SSHClient:
    """One attempt. Raises Unreachable, in one line that names the host and the way out."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(Pinned(endpoint.host_key))
    if endpoint.host_key:
        key = parse(endpoint.host_key)
        client.get_host_keys().add(_known_as(endpoint), key.get_name(), key)
    try:
        with Offers(endpoint.credentials) as offers:
            client.connect(
                endpoint.host,
                endpoint.port,
                username=endpoint.credentials.user,
                sock=through,
                timeout=endpoint.seconds_per_dial,
                banner_timeout=endpoint.seconds_per_dial,
                auth_timeout=endpoint.seconds_per_dial,
                auth_strategy=offers,
            )
    except (paramiko.SSHException, EOFError, OSError) as error:
        client.close()
        raise explained(endpoint, error) from None
    except ProviderError:
        client.close()
        raise
    if transport := client.get_transport():
        transport.set_keepalive(SECONDS_BETWEEN_SIGNS)
    return client


def tunnel(bastion: paramiko.SSHClient, proxy: Endpoint, target: Endpoint) -> paramiko.Channel:
    """A way from the proxy to the target. Raises Unreachable."""
    transport = bastion.get_transport()
    try:
        return transport.open_channel(
            "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=target.seconds_per_dial
        )
    except (paramiko.SSHException, EOFError, OSError, AttributeError) as error:
        raise Unreachable(
            f"the proxy {proxy} can't reach {target.host}:{target.port} ({_said(error)}): "
            "check the host's address, and that the proxy may forward to it"
        ) from None


def _known_as(endpoint: Endpoint) -> str:
    return (
        endpoint.host if endpoint.port == paramiko.config.SSH_PORT else f"[{endpoint.host}]:{endpoint.port}"
    )


def explained(endpoint: Endpoint, error: Exception) -> Unreachable:
    """A failed dial as its user reads it: one line, with the host and the way out."""
    if isinstance(error, paramiko.BadHostKeyException | HostKeyError):
        return ForeignHostKey(
            f"{endpoint} shows another host key than its connection's hostKey: if nobody has replaced the "
            "host, take it for an impostor; if somebody has, give the new host's key"
        )
    if isinstance(error, paramiko.AuthenticationException):
        return Refused(f"{endpoint} refused {endpoint.credentials.tried}: {endpoint.credentials.way_out}")
    if isinstance(error, NoValidConnectionsError):  # one for each address of the host's name
        return explained(endpoint, next(iter(error.errors.values())))
    return Unreachable(f"{endpoint}: {_reason(endpoint, error)}")


def _reason(endpoint: Endpoint, error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; check the host's address and port, and that sshd runs there"
    if isinstance(error, socket.gaierror):
        return "there is no host of that name; check the connection's host"
    if isinstance(error, TimeoutError):
        waited = f" in {endpoint.seconds_per_dial:g} s" if endpoint.seconds_per_dial else ""
        return f"no answer{waited}; {NO_WAY}"
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"no way leads there; {NO_WAY}"
    return f"{_said(error)}; check that sshd runs there, and its journal"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
