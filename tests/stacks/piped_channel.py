"""A way into "hosts" that are processes of this machine, spoken to over pipes as the real ones are."""

import contextlib
import select
import subprocess
import sys
from collections.abc import Callable, Sequence

from stacks.verification.hosts import Member


class PipedChannel:
    """A process's standard streams."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def send(self, data: bytes) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def read_line(self, seconds: float) -> bytes:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise TimeoutError
        return self._process.stdout.readline()

    def why_it_ended(self) -> str:
        assert self._process.stderr
        return self._process.stderr.read().decode().strip()

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout and self._process.stderr  # noqa: PT018
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._process.stderr.close()


class Here:
    """Enters this machine, by a command made of the host and of what is to be run there."""

    def __init__(self, command: Callable[[Member, Sequence[str]], Sequence[str]] | None = None) -> None:
        self._command = command or (lambda _, asked: [sys.executable, *asked[1:]])
        self.entered: list[str] = []

    def start(self, host: Member, command: Sequence[str]) -> PipedChannel:
        self.entered.append(host.name)
        return PipedChannel(self._command(host, command))
