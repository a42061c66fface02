"""Files that are there wholly or not at all, and never readable by others for a moment."""

import grp
import os
import pwd
import tempfile
from pathlib import Path


def write(path: Path, content: bytes | str, *, mode: int = 0o644, owner: str = "", group: str = "") -> None:
    """Replace the file in one step. It has its mode and owner before it has its content.

    They are set on the open file: whoever owns the folder may have put another one under its name meanwhile.
    """
    data = content.encode() if isinstance(content, str) else content
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner:
                os.fchown(descriptor, pwd.getpwnam(owner).pw_uid, grp.getgrnam(group or owner).gr_gid)
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_if_changed(path: Path, content: bytes | str, *, mode: int = 0o644) -> bool:
    """Whether the file had to be written."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, data, mode=mode)
    return True


def link(path: Path, target: Path) -> None:
    """Let the link `path` lead to `target`, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
