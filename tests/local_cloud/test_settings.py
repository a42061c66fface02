import json
from pathlib import Path

import pytest

from local_cloud.settings import PROGRAMS, Settings, SettingsError, ToolchainManifest
from local_cloud.state_directory import state_directory


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    programs = {name: str(tmp_path / name) for name in PROGRAMS}
    for name in ("base", "layer", *programs):
        (tmp_path / name).mkdir()
    path = tmp_path / "toolchain.json"
    content = {
        "environment": {"PULUMI_HOME": "home"},
        "images": {"debian-12-x64": str(tmp_path / "base"), "database": str(tmp_path / "layer")},
        **programs,
        "programs": {"pulumi": {"version": "3", "path": "p", "why": "w"}},
    }
    path.write_text(json.dumps(content))
    return path


def test_paths_are_absolute_whatever_directory_a_command_starts_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCAL_CLOUD_STATE_DIR", "here")
    assert Settings.load().state_dir == tmp_path / "here"
    assert Settings.load().state_dir == state_directory(), "the quick reading gives the same"


def test_the_quick_reading_has_the_same_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCAL_CLOUD_STATE_DIR", raising=False)
    assert Settings.load().state_dir == state_directory()


@pytest.mark.parametrize(("name", "value"), [("PORT", "abc"), ("PORT", "70000"), ("BOOT_CONCURRENCY", "0")])
def test_an_unusable_setting_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"LOCAL_CLOUD_{name}", value)
    with pytest.raises(SettingsError, match=f"LOCAL_CLOUD_{name}='{value}'"):
        Settings.load()


def test_settings_survive_their_way_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(port=8999, seed=7, boot_concurrency=2)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == settings


def test_clouds_in_two_directories_have_two_keys(tmp_path: Path) -> None:
    assert Settings(state_dir=tmp_path / "a").key != Settings(state_dir=tmp_path / "b").key


def test_a_manifest_gives_images_and_programs(manifest: Path) -> None:
    assert ToolchainManifest.read(manifest).environment == {"PULUMI_HOME": "home"}


def test_without_a_manifest_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run `python -m toolchain`"):
        ToolchainManifest.read(tmp_path / "toolchain.json")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"environment": 1}'])
def test_a_damaged_manifest_is_refused(manifest: Path, content: str) -> None:
    manifest.write_text(content)
    with pytest.raises(SettingsError, match="is not a toolchain manifest"):
        ToolchainManifest.read(manifest)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_has_gone_is_refused_by_name(manifest: Path, program: str) -> None:
    (manifest.parent / program).rmdir()
    with pytest.raises(SettingsError, match=rf"{program} is at .* which has gone"):
        ToolchainManifest.read(manifest)


def test_a_missing_image_is_refused_by_name(manifest: Path) -> None:
    content = json.loads(manifest.read_text())
    del content["images"]["database"]
    manifest.write_text(json.dumps(content))
    with pytest.raises(SettingsError, match="lacks the images database"):
        ToolchainManifest.read(manifest)


def test_a_manifest_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Is a directory.*LOCAL_CLOUD_TOOLCHAIN_MANIFEST"):
        ToolchainManifest.read(tmp_path)


def test_what_a_manifest_lacks_is_said_on_one_line(manifest: Path) -> None:
    manifest.write_text('{"images": {}}')
    with pytest.raises(SettingsError, match=r"^.*wrong or missing: environment, postgresql, valkey.*$"):
        ToolchainManifest.read(manifest)
