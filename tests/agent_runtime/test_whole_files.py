"""Files that are replaced in one step, also in a folder that belongs to somebody else."""

import getpass
import grp
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.files import write


def test_a_file_has_its_mode_and_its_content(tmp_path: Path) -> None:
    write(tmp_path / "key", "of now", mode=0o640)
    assert ((tmp_path / "key").read_text(), (tmp_path / "key").stat().st_mode & 0o777) == ("of now", 0o640)
    assert [file.name for file in tmp_path.iterdir()] == ["key"], "nothing is left beside it"


def test_a_link_put_in_its_place_takes_neither_mode_nor_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "shadow"
    victim.write_text("of another")
    victim.chmod(0o600)
    make = tempfile.mkstemp
    chowned: list[object] = []

    def made_and_swapped(**options: Any) -> tuple[int, str]:
        descriptor, name = make(**options)
        Path(name).unlink()
        Path(name).symlink_to(victim)
        return descriptor, name

    monkeypatch.setattr(tempfile, "mkstemp", made_and_swapped)
    monkeypatch.setattr(os, "chown", lambda *given, **_: chowned.append(given))
    group = grp.getgrgid(os.getgid()).gr_name
    write(tmp_path / "key", "of now", mode=0o644, owner=getpass.getuser(), group=group)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("of another", 0o600)
    assert not chowned, "nothing is given away by a name"
