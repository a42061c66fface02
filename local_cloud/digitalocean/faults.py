"""Faults on demand: the nth call of a path fails, is slow, or loses its connection. For tests of recovery."""

import re
import threading
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Fault(BaseModel):
    """What goes wrong, from the `nth` matching call on, `times` times.

    `latency` is in seconds. `when` says whether the call has happened when it goes wrong: a status or a
    dropped connection "after" it is how a client loses sight of what it has made.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    path: str
    nth: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=1)
    status: int | None = Field(default=None, ge=400, le=599)
    latency: float = Field(default=0, ge=0)
    drop: bool = False
    when: Literal["before", "after"] = "before"

    @field_validator("path")
    @classmethod
    def _is_an_expression(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return path

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if self.status is None and not self.latency and not self.drop:
            raise ValueError("give status, latency or drop")
        return self

    def concerns(self, method: str, path: str) -> bool:
        return self.method in {"*", method} and re.search(self.path, path) is not None


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0


class Faults:
    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Counts a call; the first fault that is due for it, or None."""
        due = None
        with self._lock:
            for armed in self._armed:
                if armed.fault.concerns(method, path):
                    armed.seen += 1
                    first = armed.fault.nth
                    if due is None and first <= armed.seen < first + armed.fault.times:
                        due = armed.fault
        return due
