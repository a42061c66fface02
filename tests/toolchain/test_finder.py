from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.errors import ToolchainError
from toolchain.finder import Versions, find, parse_version

Make = Callable[[str, str], Path]


@pytest.fixture
def engine(program: Make) -> Callable[..., Path]:
    """Makes a folder with a `pulumi` of that version and, unless told otherwise, its language host."""

    def make(folder: str, version: str, *, host: bool = True) -> Path:
        pulumi = program(f"{folder}/pulumi", f"echo {version}")
        for name in ("pulumi-language-python", "pulumi-language-python-exec") if host else ():
            program(f"{folder}/{name}", "")
        return pulumi

    return make


@pytest.mark.parametrize("version", ["v3.255.0", "v3.259.0", "v3.300.1-dev.0+dirty", "v4.0.0"])
def test_a_suitable_engine_on_path_is_used_as_it_is(
    engine: Callable[..., Path], tmp_path: Path, version: str
) -> None:
    pulumi = engine("bin", version)
    found, refused = find({"PATH": str(pulumi.parent)}, tmp_path, tmp_path / "cache")
    assert found is not None, refused
    assert (found.pulumi, found.folders) == (pulumi, (pulumi.parent,)), "the very one that PATH names"
    assert found.why == f"{version.removeprefix('v')} on PATH", "and it says so"


def test_an_older_engine_is_refused_with_both_versions(engine: Callable[..., Path], tmp_path: Path) -> None:
    pulumi = engine("bin", "v3.254.9")
    found, refused = find({"PATH": str(pulumi.parent)}, tmp_path, tmp_path / "cache")
    assert found is None, "it lacks what the project needs"
    assert refused == [f"{pulumi} is 3.254.9, older than 3.255.0"], "the reason goes into the table"


def test_an_engine_without_a_language_host_is_refused(engine: Callable[..., Path], tmp_path: Path) -> None:
    pulumi = engine("bin", "v3.259.0", host=False)
    found, refused = find({"PATH": str(pulumi.parent)}, tmp_path, tmp_path / "cache")
    assert found is None, "it could not run a Python program"
    assert "no language host for Python (pulumi-language-python) beside it" in refused[0], "and says why"


def test_an_engine_that_does_not_run_is_refused(program: Make, tmp_path: Path) -> None:
    pulumi = program("bin/pulumi", "exit 3")
    found, refused = find({"PATH": str(pulumi.parent)}, tmp_path, tmp_path / "cache")
    assert found is None, "a broken program is no engine"
    assert "does not tell its version" in refused[0], "and the reason is not lost"


def test_a_link_on_path_leads_to_the_language_host_beside_its_target(
    engine: Callable[..., Path], tmp_path: Path
) -> None:
    target = engine("opt/pulumi", "v3.259.0")
    link = tmp_path / "links" / "pulumi"
    link.parent.mkdir()
    link.symlink_to(target)
    found, refused = find({"PATH": str(link.parent)}, tmp_path, tmp_path / "cache")
    assert found is not None, refused
    assert found.folders == (link.parent, target.parent), "both folders go on PATH"


def test_the_official_installation_comes_after_path(engine: Callable[..., Path], tmp_path: Path) -> None:
    old = engine("bin", "v3.100.0")
    official = engine(".pulumi/bin", "v3.260.0")
    found, refused = find({"PATH": str(old.parent)}, tmp_path, tmp_path / "cache")
    assert found is not None, refused
    assert found.pulumi == official, "it is found without being on PATH"
    assert found.why == "3.260.0 of the official installation", "and named for what it is"
    assert len(refused) == 1, "the one on PATH was looked at first"


def test_our_own_engine_on_path_is_not_taken_for_another_s(
    engine: Callable[..., Path], tmp_path: Path
) -> None:
    ours = engine("cache/pulumi-3.259.0-abc", "v3.259.0")
    found, refused = find({"PATH": str(ours.parent)}, tmp_path, tmp_path / "cache")
    assert (found, refused) == (None, []), "`make shell` puts it on PATH, which makes it no one else's"


def test_a_version_is_asked_once_until_the_program_changes(program: Make, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    versions = Versions(tmp_path / "cache" / "versions.json")
    pulumi = program("pulumi", f"echo x >> {asked}; echo v3.259.0")

    assert [versions.of(pulumi), versions.of(pulumi)] == ["3.259.0", "3.259.0"], "the same answer"
    assert asked.read_text().count("x") == 1, "the second came from memory"
    program("pulumi", f"echo x >> {asked}; echo v3.260.12")
    assert versions.of(pulumi) == "3.260.12", "another program is asked again"


def test_a_broken_memory_of_versions_is_made_anew(program: Make, tmp_path: Path) -> None:
    (tmp_path / "versions.json").write_text('{"half')
    assert Versions(tmp_path / "versions.json").of(program("pulumi", "echo v3.259.0")) == "3.259.0", "it asks"


numbers = st.tuples(*[st.integers(0, 10**6)] * 3)


@given(numbers, st.sampled_from(["", "-dev.0", "+dirty", "-alpha.x1+abc"]))
def test_versions_are_read_whatever_follows_their_numbers(expected: tuple[int, int, int], rest: str) -> None:
    text = ".".join(map(str, expected)) + rest
    assert parse_version(text) == parse_version("v" + text) == expected, "the three numbers count"


@pytest.mark.parametrize("text", ["", "3.2", "x3.1.2", "3.1.2.4", "latest"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ToolchainError, match="no version of the form"):
        parse_version(text)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find({"PATH": ""}, tmp_path, tmp_path) == (None, []), "no engine, and nothing refused"
    assert shutil.which("pulumi", path=str(tmp_path)) is None, "the folder is empty"
