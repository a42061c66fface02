"""A short name for a directory, whatever its path: a Unix socket's path has 107 bytes at most (unix(7))."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def opened(directory: Path) -> Iterator[str]:
    """A path to the directory that is good in this process, for as long as the block runs."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
