"""The release: the same sources make the same bytes, and Debian's own Python runs them."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.release import SOURCES, build_release


def copy_of(folder: Path) -> Path:
    return shutil.copytree(SOURCES, folder / "agent_runtime", ignore=shutil.ignore_patterns("__pycache__"))


def test_the_same_sources_make_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    other = copy_of(tmp_path / "elsewhere")
    for file in other.rglob("*"):
        os.utime(file, (1, 1))
        file.chmod(0o700)
    here, there = build_release(tmp_path / "a"), build_release(tmp_path / "b", other)
    assert here.digest == there.digest
    assert here.path.read_bytes() == there.path.read_bytes()


def test_a_change_of_one_byte_is_another_release(tmp_path: Path) -> None:
    changed = copy_of(tmp_path)
    with (changed / "vault.py").open("a") as file:
        file.write("\n")
    assert build_release(tmp_path / "a").digest != build_release(tmp_path / "b", changed).digest


def test_what_is_built_already_is_left_as_it_is(tmp_path: Path) -> None:
    first = build_release(tmp_path)
    before = first.path.stat().st_mtime_ns
    assert build_release(tmp_path) == first
    assert first.path.stat().st_mtime_ns == before
    assert [file.name for file in tmp_path.iterdir()] == [first.path.name]


def test_a_damaged_build_is_built_again(tmp_path: Path) -> None:
    first = build_release(tmp_path)
    first.path.write_bytes(first.path.read_bytes()[:1000])
    assert build_release(tmp_path) == first
    assert zipfile.is_zipfile(first.path)


def test_units_are_in_it_and_caches_are_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_release(tmp_path).path) as archive:
        names = archive.namelist()
    assert "agent_runtime/units/tenantry-guardrail.service" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_a_checkout_without_the_runtime_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no sources of the agent runtime"):
        build_release(tmp_path, tmp_path / "nothing")


@pytest.mark.parametrize("python", sorted({"/usr/bin/python3", sys.executable}))
def test_it_runs_by_itself(tmp_path: Path, python: str) -> None:
    """On Debian 12 with its python3-cryptography; nothing of this checkout is in reach of `-I`."""
    if not Path(python).exists():
        pytest.skip(f"no {python} here")
    archive = build_release(tmp_path).path
    shown = subprocess.run(
        [python, "-I", str(archive), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "enrol" in shown.stdout


def test_an_error_is_one_line_and_status_1(tmp_path: Path) -> None:
    archive = build_release(tmp_path).path
    failed = subprocess.run(
        [sys.executable, "-I", str(archive), "lock"], capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1, failed.stderr
    assert "host.json" in failed.stderr
