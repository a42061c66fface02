"""Runs a local command: input, streams, and an end that reaches every process that it started."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from toolchain.plugins.base.errors import Cancelled, ProviderError
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.command.errors import CommandFailed
from toolchain.plugins.command.outputs import Output, Stream

CHUNK = 65536


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: str,
    output: Output,
    waiter: Waiter,
) -> None:
    """Run to the end. Raises CommandFailed; ProviderError if it can't start; Cancelled: all was killed."""
    process = _start(arguments, folder, environment, has_input=bool(stdin))
    with waiter.interrupting(lambda: _kill(process)):
        threads = [
            Thread(target=_copy, args=(process.stdout, output.stdout), daemon=True),
            Thread(target=_copy, args=(process.stderr, output.stderr), daemon=True),
        ]
        for thread in threads:
            thread.start()
        _feed(process, stdin)
        for thread in threads:
            thread.join()
        code = process.wait()
    if waiter.is_cancelled:
        raise Cancelled(f'cancelled by the engine, and "{arguments[-1]}" was killed; run the update again')
    if code:
        raise CommandFailed(_ending(code), arguments[-1], output.both)


def _start(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], *, has_input: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a group of its own, so that all of it can be killed
        )
    except NotADirectoryError:
        raise ProviderError(f'"dir": {folder} is no directory; make it, or correct "dir"') from None
    except FileNotFoundError:
        missing = f'"dir": there is no {folder}' if not folder.exists() else f"there is no {arguments[0]}"
        raise ProviderError(f'{missing}; correct "{"interpreter" if folder.exists() else "dir"}"') from None
    except OSError as error:
        raise ProviderError(f"{arguments[0]} can't be started: {error.strerror}") from None


def _feed(process: subprocess.Popen[bytes], stdin: str) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError):  # a command may end without having read its input
        process.stdin.write(stdin.encode())
    with suppress(BrokenPipeError):
        process.stdin.close()


def _copy(source: IO[bytes], stream: Stream) -> None:
    with source:
        stream.drain(lambda: os.read(source.fileno(), CHUNK))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
