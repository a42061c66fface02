"""Everything that can go wrong in the toolchain.

ToolchainError              what is wrong, and the next step; the command prints it and exits with 1
├── CommandFailedError      a program of a build ended with an error
├── DiskFullError           no room for what is to be made
├── InstallerError          the official installer could not do it; the recipes can
└── InterruptedBuildError   the build was told to stop (Ctrl-C, or another step's failure)
"""

from __future__ import annotations


class ToolchainError(Exception):
    """What is wrong, the value, and the next step, in one message for the person at the terminal."""


class CommandFailedError(ToolchainError):
    """A program of a build ended with an error; `output` holds its last lines."""

    def __init__(self, program: str, status: int, output: str) -> None:
        super().__init__(f"{program} failed with status {status}; its last lines:\n{output}")
        self.output = output


class DiskFullError(ToolchainError):
    """There is no room left where something is to be made."""


class InstallerError(ToolchainError):
    """The official installer could not do it; the set-up goes on with the recipes."""


class InterruptedBuildError(ToolchainError):
    """The build was stopped before its end; what is complete stays in the cache."""
