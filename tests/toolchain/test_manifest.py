from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolchain import manifest
from toolchain.engine import Engine
from toolchain.files import write_atomically
from toolchain.manifest import Clone, Manifest, Program

ENGINE = Engine(
    pulumi=Path("/cache/engine/pulumi"), version="3.259.0", folders=(Path("/cache/engine"),), why="a test"
)


def test_the_manifest_holds_what_its_readers_need(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    made = Manifest(
        environment=manifest.environment(clone, ENGINE, "/usr/bin", Path("/venv")),
        images={"debian-12-x64": "/cache/image", "database": "/cache/database/layer"},
        postgresql="/cache/postgresql",
        valkey="/cache/valkey/valkey-server",
        tailscale="/cache/tailscale",
        headscale="/cache/headscale/headscale",
        openbao="/cache/openbao/bao",
        programs={"pulumi": Program(version="3.259.0", path="/cache/engine/pulumi", why="a test")},
    )
    made.write(clone.manifest)

    read = json.loads((tmp_path / ".tenantry" / "toolchain.json").read_text())
    programs = {"postgresql", "valkey", "tailscale", "headscale", "openbao"}
    assert set(read) == {"environment", "images", *programs, "programs"}, "the agreed keys"
    assert read["programs"]["pulumi"] == {
        "version": "3.259.0",
        "path": "/cache/engine/pulumi",
        "why": "a test",
    }, "each program with its version, path and reason"


def test_this_environment_s_programs_and_then_the_engine_come_first_on_path(tmp_path: Path) -> None:
    path = manifest.environment(Clone(tmp_path), ENGINE, "/usr/bin::/venv/bin:/bin", Path("/venv"))["PATH"]
    assert path == "/venv/bin:/cache/engine:/usr/bin:/bin", "each folder once, and no empty one (it means .)"


def test_pulumi_keeps_everything_in_the_clone(tmp_path: Path) -> None:
    environment = manifest.environment(Clone(tmp_path), ENGINE, "", Path("/venv"))
    assert environment["PULUMI_HOME"] == f"{tmp_path}/.tenantry/pulumi/home", "plugins and settings"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.tenantry/pulumi/state", "state"
    assert environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{tmp_path}/.tenantry/pulumi/passphrase", "a file"
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment, "the passphrase itself is never in an environment"


def test_the_passphrase_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    manifest.prepare(clone)
    first = clone.passphrase_file.read_text()
    manifest.prepare(clone)

    assert clone.passphrase_file.read_text() == first, "another one could not read the state's secrets"
    assert len(first.strip()) >= 40, "32 random bytes"
    assert clone.passphrase_file.stat().st_mode & 0o777 == 0o600, "only its owner reads it"


def test_two_clones_have_different_passphrases(tmp_path: Path) -> None:
    made = set()
    for name in ("one", "two"):
        clone = Clone(tmp_path / name)
        manifest.prepare(clone)
        made.add(clone.passphrase_file.read_text())
    assert len(made) == 2, "each is random"


def test_a_file_that_cannot_be_written_whole_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "before", mode=0o600)
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "after \udc80", mode=0o600)
    assert path.read_text() == "before", "the old content stays"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"], "and nothing lies beside it"


def test_a_file_that_is_right_already_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "same", mode=0o600)
    before = path.stat().st_ino
    write_atomically(path, "same", mode=0o600)
    assert path.stat().st_ino == before, "a warm run writes nothing"
    write_atomically(path, "same", mode=0o755)
    assert path.stat().st_mode & 0o777 == 0o755, "but a wrong mode is put right"
