from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain import providers
from toolchain.errors import ToolchainError
from toolchain.providers import Provider

VERSION = importlib.metadata.version("pulumi-digitalocean")
FOLDER = f"resource-digitalocean-v{VERSION}"
PROGRAM = "pulumi-resource-digitalocean"


def install_digitalocean(home: Path, clone: Path, official: Path) -> Provider:
    return next(
        provider for provider in providers.install(home, clone, official) if provider.name == "digitalocean"
    )


@pytest.fixture
def official(tmp_path: Path) -> Path:
    plugin = tmp_path / "official" / FOLDER / PROGRAM
    plugin.parent.mkdir(parents=True)
    plugin.write_text("official")
    return tmp_path / "official"


def installed(home: Path, clone: Path, official: Path) -> providers.Provider:
    """The one of DigitalOcean, among all that were installed."""
    return next(each for each in providers.install(home, clone, official) if each.name == "digitalocean")


def test_every_sdk_of_the_programs_has_its_plugin(tmp_path: Path) -> None:
    every = providers.install(tmp_path / "home", tmp_path, tmp_path / "none")
    sdks = {
        each.metadata["Name"].removeprefix("pulumi-").removeprefix("pulumi_")
        for each in importlib.metadata.distributions()
        if each.metadata["Name"].startswith(("pulumi-", "pulumi_"))
    } - {"policy"}  # of packs: it says of itself that it has no resources
    assert {each.name for each in every} == sdks, "the engine would look for a missing one on the internet"


def test_a_stand_in_goes_where_the_engine_looks_for_the_sdk_s_version(tmp_path: Path) -> None:
    provider = installed(tmp_path / "home", tmp_path, tmp_path / "none")
    assert provider.program == tmp_path / "home" / "plugins" / FOLDER / PROGRAM, "the engine's own convention"
    assert os.access(provider.program, os.X_OK), "and it can be started"
    assert provider.version == VERSION, "of the version that the Python SDK asks for"
    assert "stand-in" in provider.why, "and the table says what it is"


def test_a_stand_in_runs_the_clone_s_module_with_the_engine_s_arguments(tmp_path: Path) -> None:
    clone = tmp_path / "a clone's folder"
    clone.mkdir()
    (clone / "stand_in_for_a_test.py").write_text("import sys\nprint(sys.argv[1:], sys.executable)\n")
    program = tmp_path / "program"
    program.write_text(providers.stand_in("stand_in_for_a_test", clone))
    answer = subprocess.run(["sh", program, "127.0.0.1:1", "a b"], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f"['127.0.0.1:1', 'a b'] {sys.executable}", "same Python, same arguments"


def test_a_stand_in_leaves_its_environment_to_the_commands_that_it_runs(tmp_path: Path) -> None:
    (tmp_path / "asks_for_a_test.py").write_text("import os\nprint(os.environ.get('PYTHONPATH'))\n")
    program = tmp_path / "program"
    program.write_text(providers.stand_in("asks_for_a_test", tmp_path))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(["sh", program], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "None", "a local command's Python must not find our clone"


def test_an_official_plugin_that_is_installed_is_used(tmp_path: Path, official: Path) -> None:
    provider = installed(tmp_path / "home", tmp_path, official)
    assert provider.program.read_text() == "official", "it leads to the official program"
    assert "the official plugin" in provider.why, "and the table says so"


def test_stand_in_and_official_plugin_take_each_other_s_place(tmp_path: Path, official: Path) -> None:
    home = tmp_path / "home"
    for place, expected in ((tmp_path, "stand-in"), (official, "official"), (official, "official")):
        provider = installed(home, tmp_path, place)
        assert expected in provider.why, "whatever was installed before"
    provider = installed(home, tmp_path, tmp_path / "none")
    assert provider.program.read_text().startswith("#!/bin/sh"), "the stand-in came back"
    assert (official / FOLDER / PROGRAM).read_text() == "official", "and the official one was not written to"


def test_every_provider_that_the_programs_use_is_installed(tmp_path: Path) -> None:
    installed = {provider.name for provider in providers.install(tmp_path / "home", tmp_path, tmp_path)}
    assert installed == {"digitalocean", "tailscale", "command"}, "the engine looks for no other"


def test_a_missing_sdk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(providers, "STAND_INS", {"nosuchcloud": "x"})
    with pytest.raises(ToolchainError, match="pulumi-nosuchcloud is not installed in"):
        providers.install(tmp_path / "home", tmp_path, tmp_path)
