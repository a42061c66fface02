"""Programs of the host, run without a shell. A key goes to one through memory that no file system has."""

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress

SECONDS = 120.0


class CommandError(Exception):
    """A program failed; `said` is its last line."""

    def __init__(self, program: str, status: int | str, said: str) -> None:
        super().__init__(f"{program} failed ({status}): {said or 'it gave no reason'}")
        self.said = said


def run(*command: str, accepted: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """Raises CommandError for a status that isn't accepted."""
    return _run(command, accepted, ())


def run_with_key(key: bytes, *command: str) -> None:
    """Run with `--key=<file>`, a file in memory alone, gone when the program has ended."""
    descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, key)
        os.lseek(descriptor, 0, os.SEEK_SET)
        _run((*command, f"--key=/proc/self/fd/{descriptor}"), (0,), (descriptor,))
    finally:
        with suppress(OSError):
            os.pwrite(descriptor, bytes(len(key)), 0)
        os.close(descriptor)


def _run(
    command: Sequence[str], accepted: Sequence[int], passed: Sequence[int]
) -> subprocess.CompletedProcess[str]:
    name = " ".join(command[:2])
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            pass_fds=passed,
        )
    except FileNotFoundError:
        raise CommandError(name, "not installed", f"install the package of {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(name, "too slow", f"it took more than {SECONDS:g} s") from None
    if done.returncode not in accepted:
        raise CommandError(name, done.returncode, _first_line(done.stderr or done.stdout))
    return done


def _first_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip().partition("\n\n")[0])[:300]
