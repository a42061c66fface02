"""One command over an open connection: its environment, its input, its streams, and its end."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from toolchain.plugins.base.errors import Cancelled, ProviderError
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.command.errors import CommandFailed
from toolchain.plugins.command.outputs import Output

CHUNK = 65536
ACCEPT_ENV = (
    "sshd takes only variables that its AcceptEnv names. Name it there, give the value on stdin, or, where a "
    "shell runs the command, write VARIABLE=value before it"
)


def prepared(
    client: paramiko.SSHClient,
    environment: Mapping[str, str],
    optional: Mapping[str, str],
    warn: Callable[[str], None],
) -> paramiko.Channel:
    """A session with its environment set; of `optional`, a variable that the host refuses is only warned of.

    Raises ProviderError naming another one that the host refuses.
    """
    session = opened(client)
    for name, value in {**optional, **environment}.items():
        if _is_accepted(session, name, value):
            continue
        reason = f'could not set environment variable "{name}": {ACCEPT_ENV}'
        if name in environment:
            raise ProviderError(reason)
        warn(reason)  # and paramiko has closed the session over it
        return prepared(client, environment, {key: optional[key] for key in optional if key != name}, warn)
    return session


def opened(client: paramiko.SSHClient) -> paramiko.Channel:
    transport = client.get_transport()
    if transport is None:
        raise ProviderError("the connection has ended; run the command again")
    return transport.open_session()


def run(session: paramiko.Channel, command: str, stdin: str, output: Output, waiter: Waiter) -> None:
    """Run to the end. Raises CommandFailed; Cancelled, when the host has been told to end the command."""
    with waiter.interrupting(lambda: _end(session)):
        session.exec_command(command)
        threads = [
            Thread(target=output.stdout.drain, args=(lambda: session.recv(CHUNK),), daemon=True),
            Thread(target=output.stderr.drain, args=(lambda: session.recv_stderr(CHUNK),), daemon=True),
        ]
        for thread in threads:
            thread.start()
        _feed(session, stdin)
        for thread in threads:
            thread.join()
        code = session.recv_exit_status()
    if waiter.is_cancelled:
        raise Cancelled(f'cancelled by the engine, and "{command}" was ended; run the update again')
    if code:
        ending = f"exit status {code}" if code > 0 else "the connection broke, or a signal ended the command"
        raise CommandFailed(ending, command, output.both)


def _feed(session: paramiko.Channel, stdin: str) -> None:
    with suppress(OSError):  # a command may end without having read its input
        session.sendall(stdin.encode())
    with suppress(OSError, EOFError):
        session.shutdown_write()


def _end(session: paramiko.Channel) -> None:
    """Have the host end the command, and wait for it no longer: when a session ends, sshd lets it run on."""
    request = _request(session, "signal", wants_reply=False)
    request.add_string("TERM")
    with suppress(paramiko.SSHException, EOFError, OSError):
        _send(session, request)
    session.close()


def _is_accepted(session: paramiko.Channel, name: str, value: str) -> bool:
    """Whether the host sets the variable. paramiko's own way to set one doesn't ask."""
    request = _request(session, "env", wants_reply=True)
    request.add_string(name)
    request.add_string(value)
    session._event_pending()  # noqa: SLF001
    _send(session, request)
    try:
        session._wait_for_event()  # noqa: SLF001
    except paramiko.SSHException:
        return False
    return True


def _request(session: paramiko.Channel, kind: str, *, wants_reply: bool) -> Any:
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(session.remote_chanid)
    message.add_string(kind)
    message.add_boolean(wants_reply)
    return message


def _send(session: paramiko.Channel, message: Any) -> None:
    session.transport._send_user_message(message)  # noqa: SLF001 - there is no public way to send a request
