"""What a command writes: kept for the state and for an error, and shown line by line while it runs."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Self

from toolchain.plugins.base.errors import ProviderError

PREVIOUS_STDOUT = "PULUMI_COMMAND_STDOUT"
PREVIOUS_STDERR = "PULUMI_COMMAND_STDERR"


class Logging(StrEnum):
    """Which streams the engine shows. What it isn't told is both."""

    STDOUT = "stdout"
    STDERR = "stderr"
    BOTH = "stdoutAndStderr"
    NONE = "none"

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Self:
        """What the inputs choose. Raises ProviderError."""
        try:
            return cls(inputs.get("logging") or cls.BOTH)
        except ValueError:
            known = ", ".join(cls)
            raise ProviderError(f'"{inputs["logging"]}" is no way to log; known are {known}') from None

    @property
    def shows_stdout(self) -> bool:
        return self in (Logging.STDOUT, Logging.BOTH)

    @property
    def shows_stderr(self) -> bool:
        return self in (Logging.STDERR, Logging.BOTH)


@dataclass(frozen=True)
class Written:
    """What a command has written, without the last line break, as the state keeps it."""

    stdout: str = ""
    stderr: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """How the next run of the same resource is told."""
        told = {PREVIOUS_STDOUT: self.stdout, PREVIOUS_STDERR: self.stderr}
        return {name: value for name, value in told.items() if value}


class Output:
    """Collects both streams of one run. Thread-safe: each stream may have a thread of its own."""

    def __init__(self, logging: Logging, show: Callable[[str], None]) -> None:
        self._lock = Lock()
        self._both: list[str] = []
        self.stdout = Stream(self, show if logging.shows_stdout else None)
        self.stderr = Stream(self, show if logging.shows_stderr else None)

    def add(self, text: str) -> None:
        with self._lock:
            self._both.append(text)

    @property
    def both(self) -> str:
        """Both streams in the order in which they came, for an error."""
        with self._lock:
            return "".join(self._both)

    def written(self) -> Written:
        return Written(self.stdout.text.removesuffix("\n"), self.stderr.text.removesuffix("\n"))


class Stream:
    """One stream: bytes in, text out, lines shown as they are complete."""

    def __init__(self, output: Output, show: Callable[[str], None] | None) -> None:
        self._output = output
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parts: list[str] = []
        self._line = ""

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def drain(self, read: Callable[[], bytes]) -> None:
        """Take what there is to read, to the end. What is left there is a line too."""
        while data := read():
            self._take(self._decoder.decode(data))
        self._take(self._decoder.decode(b"", final=True))
        if self._show and self._line:
            self._show(self._line)
        self._line = ""

    def _take(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        self._output.add(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines if self._show else ():
            self._show(line.removesuffix("\r"))  # type: ignore[misc]  # there is one, or there are no lines
