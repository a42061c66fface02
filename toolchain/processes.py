"""The programs that a build starts, and their end.

Each runs in process and mount namespaces of its own, tied to the life of this process: when this one
dies, however it dies, the kernel ends them all and takes their mounts, so none goes on writing.
"""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain.errors import CommandFailedError, DiskFullError, InterruptedBuildError

TIED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
LAST_LINES = 15
NO_SPACE = "No space left on device"


class Processes:
    """Runs programs, several at once from several threads, and can stop them all."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def run(
        self,
        argv: Sequence[str],
        *,
        report: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Runs a program to its end and gives `report` each line of its output.

        Raises CommandFailedError with its last lines, DiskFullError when these say so, and
        InterruptedBuildError when `stop` ended it.
        """
        process = self._start(argv, environment, folder)
        last: deque[str] = deque(maxlen=LAST_LINES)
        try:
            with process:
                for line in process.stdout or ():
                    last.append(line.rstrip())
                    report(last[-1])
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            raise self._failure(Path(argv[0]).name, process.returncode, "\n".join(last), folder)

    def stop(self) -> None:
        """Ends every running program; later `run`s raise InterruptedBuildError."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _start(
        self, argv: Sequence[str], environment: Mapping[str, str] | None, folder: Path | None
    ) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise InterruptedBuildError(f"{argv[0]} was not started: the set-up was interrupted")
            process = subprocess.Popen(
                [*TIED, *argv],
                env=environment,
                cwd=folder,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A Ctrl-C reaches this process alone, which then ends them in order.
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def _failure(self, program: str, status: int, output: str, folder: Path | None) -> Exception:
        if self._stopped:
            return InterruptedBuildError(f"{program} was stopped: the set-up was interrupted")
        if NO_SPACE in output:
            return DiskFullError(
                f"{program} found the disk full (in {folder}): free some space and try again"
            )
        return CommandFailedError(program, status, output)
