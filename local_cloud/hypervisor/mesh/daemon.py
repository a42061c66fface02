"""A program that runs for as long as the local cloud does, in one of its network namespaces.

It is a child of the supervisor, so whatever happens to that, it ends with it.
"""

import logging
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.namespaces import entered

STOP_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is run and where. Its working directory is `directory`, which has its log as `<name>.log`.

    Sockets can be named relative to it: an absolute path may be longer than the kernel takes (107 bytes).
    """

    name: str
    command: Sequence[str]
    namespace: str
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    def start(self) -> subprocess.Popen[bytes]:
        with entered(self.namespace), self.log.open("ab") as log:
            self.log.chmod(0o600)
            return subprocess.Popen(
                self.command,
                cwd=self.directory,
                env={"PATH": PATH, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def last_words(self, lines: int = 5) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "it has said nothing"


class Daemon:
    """Started by `start`, started anew when it ends by itself, until `close`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begins a new log. Raises HypervisorError when there is no such program."""
        program = self._program
        program.directory.mkdir(parents=True, exist_ok=True)
        program.directory.chmod(0o700)
        program.log.unlink(missing_ok=True)
        try:
            self._process = program.start()
        except OSError as error:
            raise HypervisorError(
                f"{program.command[0]} can't be started: {error}; run `python -m toolchain`"
            ) from error
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {program.name}", daemon=True)
        self._keeper.start()

    def last_words(self) -> str:
        return self._program.last_words()

    def close(self) -> None:
        self._closing.set()
        if self._process is None or self._keeper is None:
            return
        self._process.terminate()
        self._keeper.join(STOP_SECONDS)
        if self._keeper.is_alive():
            self._process.kill()
            self._keeper.join()

    def _keep(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while self._process is not None:
            status = self._process.wait()
            if self._closing.is_set():
                return
            _log.warning("%s has ended with status %d; again in %g s", self._program.name, status, delay)
            if self._closing.wait(delay):
                return
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            self._process = self._program.start()
            if self._closing.is_set():  # `close` may have ended the one before
                self._process.terminate()
