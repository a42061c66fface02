"""Logs that grow for ever, kept short: <name>.1 is the one before, and so on."""

from pathlib import Path

LARGE_BYTES = 16 << 20
KEPT = 4
"""Files that are kept beside the one being written."""


def rotate_if_large(file: Path) -> bool:
    """Whether the file was moved aside. Who has it open goes on writing there until it is opened anew."""
    if not file.exists() or file.stat().st_size < LARGE_BYTES:
        return False
    for number in range(KEPT - 1, 0, -1):
        older = _aside(file, number)
        if older.exists():
            older.replace(_aside(file, number + 1))
    file.replace(_aside(file, 1))
    return True


def _aside(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.{number}")
