"""`python -m toolchain`: finds or makes everything the local cloud needs, and says what is used and why."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from toolchain.cache import Cache, cache_directory
from toolchain.errors import DiskFullError, InterruptedBuildError, ToolchainError
from toolchain.manifest import Clone, Manifest, rows
from toolchain.preflight import check_machine
from toolchain.processes import Processes
from toolchain.progress import Progress
from toolchain.setup import set_up
from toolchain.workshop import Workshop

INTERRUPTED = 130
LOG_WIDTH = 140
"""Columns of the table where there is no terminal to fit it to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 for an error, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m toolchain", description=__doc__)
    parser.add_argument(
        "--clone",
        type=Path,
        default=Path(__file__).resolve().parent.parent,
        help="the clone whose .tenantry/toolchain.json is written (default: this one)",
    )
    clone = Clone(parser.parse_args(arguments).clone.resolve())
    console, errors = Console(), Console(stderr=True)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        made = run(clone, console)
    except (KeyboardInterrupt, InterruptedBuildError):
        errors.print("interrupted: what is complete stays in the cache, run it again to go on", style="bold")
        return INTERRUPTED
    except ToolchainError as error:
        errors.print(f"toolchain: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(table(made))
    return 0


def run(clone: Clone, console: Console) -> Manifest:
    """Sets everything up with progress on the console. Raises ToolchainError."""
    check_machine()
    cache = Cache(cache_directory(os.environ))
    progress = Progress(console)
    try:
        with progress.shown():
            made = set_up(clone, Workshop(cache, Processes(), progress))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFullError(
            f"the disk is full at {error.filename or cache.root}: free some space, or set TENANTRY_CACHE "
            "to a folder on another disk"
        ) from error
    return made


def table(made: Manifest) -> Table:
    """What is used and why."""
    drawn = Table(title="toolchain", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("program", no_wrap=True)
    drawn.add_column("version", no_wrap=True)
    drawn.add_column("why")
    drawn.add_column("path", overflow="fold")
    for row in rows(made):
        drawn.add_row(*row[:3], short(row[3]))
    return drawn


def short(path: str) -> str:
    """The path as a person writes it: from here, or from home."""
    for folder, sign in ((Path.cwd(), "."), (Path.home(), "~")):
        if Path(path).is_relative_to(folder):
            return f"{sign}/{Path(path).relative_to(folder)}"
    return path


if __name__ == "__main__":
    sys.exit(main())
