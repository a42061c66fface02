"""Torn files of a `file://` backend: the one thing that it doesn't write at once or not at all.

Beside each file the backend keeps its attributes, `<file>.attrs`, as JSON. The file itself is written aside
and renamed; its attributes are written in place, so an engine killed in that moment leaves half a line, and
every command on the stack, and on all stacks together, fails with `EOF` (seen with 3.259.0). Without the
attributes the file is read as it is: taking them away loses nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".attrs"


def torn(folder: Path, project: str, tenant: str) -> Iterator[Path]:
    """The attributes of a stack's files that can't be read; `folder` is the backend's `.pulumi`."""
    stacks = folder / "stacks" / project
    places = (
        stacks.glob(f"{tenant}.json*{SUFFIX}"),
        (folder / "history" / project / tenant).glob(f"*{SUFFIX}"),
        (folder / "backups" / project / tenant).glob(f"*{SUFFIX}"),
        (folder / "locks" / "organization" / project / tenant).glob(f"*{SUFFIX}"),
    )
    for place in places:
        yield from (path for path in sorted(place) if _is_torn(path))


def _is_torn(path: Path) -> bool:
    try:
        return not isinstance(json.loads(path.read_bytes()), dict)
    except FileNotFoundError:
        return False
    except ValueError:
        return True
