"""The release that a tenant's hosts run: the agent runtime as one file, the same bytes from the same sources.

Its digest is an input of every host's delivery: so a change of code is a change in `pulumi preview`, and a
rollback is the sources of before. Nothing of the runtime is imported here.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

SOURCES = Path(__file__).parents[1] / "agent_runtime"
SUFFIXES = frozenset({".py", ".service", ".conf", ".json"})
_EPOCH = (1980, 1, 1, 0, 0, 0)
_START = "import sys\n\nfrom agent_runtime.__main__ import main\n\nsys.exit(main())\n"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A file that `/usr/bin/python3` runs, and the SHA-256 of its bytes in hexadecimal."""

    path: Path
    digest: str


def build_release(folder: Path, sources: Path = SOURCES) -> Release:
    """Pack the runtime into `folder`, under a name that has its digest; what is there already is kept."""
    content = _archive(sources)
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"agent_runtime-{digest[:16]}.pyz"
    if not path.exists() or path.read_bytes() != content:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{uuid4()}.partial"
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return Release(path=path, digest=digest)


def _archive(sources: Path) -> bytes:
    """Not compressed: another zlib would make other bytes of the same sources."""
    files = sorted(file for file in sources.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise FileNotFoundError(f"{sources} has no sources of the agent runtime: is the checkout complete?")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, "__main__.py", _START.encode())
        for file in files:
            _add(archive, f"{sources.name}/{file.relative_to(sources).as_posix()}", file.read_bytes())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = 3  # Unix, on whatever system it is packed
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
