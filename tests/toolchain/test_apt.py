from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain import apt
from toolchain.apt import (
    Source,
    image_sources,
    machine_sources,
    missing_packages,
    parse_deb822,
    parse_one_line,
)
from toolchain.errors import ToolchainError
from toolchain.workshop import Workshop

DEBIAN = "http://mirror.example/debian"
SECURITY = "http://mirror.example/debian-security"


def test_one_line_sources_are_read_without_their_options_comments_and_sources() -> None:
    text = (
        "# deb http://commented.example/debian bookworm main\n"
        f"deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] {DEBIAN} bookworm main contrib # ours\n"
        f"deb-src {DEBIAN} bookworm main\n"
        f"  deb\t{SECURITY}\tbookworm-security main\n"
        "deb http://flat.example/packages ./\n"
    )
    assert parse_one_line(text) == [
        Source(DEBIAN, "bookworm", ("main", "contrib")),
        Source(SECURITY, "bookworm-security", ("main",)),
        Source("http://flat.example/packages", "./", ()),
    ], "only the lines of binary packages count"


def test_deb822_sources_are_read_stanza_by_stanza() -> None:
    text = (
        "# the first\n"
        f"Types: deb deb-src\nURIs: {DEBIAN}\n# between fields\nSuites: bookworm\n bookworm-updates\n"
        "Components: main\nSigned-By: /usr/share/keyrings/x.gpg\n"
        "\n \n"
        f"types: deb\nuris: {SECURITY}\nsuites: bookworm-security\ncomponents: main contrib\n"
        "\n"
        f"Enabled: no\nTypes: deb\nURIs: {DEBIAN}\nSuites: sid\nComponents: main\n"
        "\n"
        f"Types: deb-src\nURIs: {DEBIAN}\nSuites: trixie\nComponents: main\n"
    )
    assert parse_deb822(text) == [
        Source(DEBIAN, "bookworm", ("main",)),
        Source(DEBIAN, "bookworm-updates", ("main",)),
        Source(SECURITY, "bookworm-security", ("main", "contrib")),
    ], "field names have no case, values may go on in the next line, disabled stanzas do not count"


words = st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=127), min_size=1, max_size=8)
sources = st.builds(
    Source,
    words.map(lambda word: f"http://{word}.example/debian"),
    words,
    st.lists(words, min_size=1, max_size=3).map(tuple),
)


@given(st.lists(sources))
def test_what_is_written_in_either_format_is_read_back(expected: list[Source]) -> None:
    one_line = "\n".join(map(str, expected))
    deb822 = "\n\n".join(
        f"Types: deb\nURIs: {s.address}\nSuites: {s.suite}\nComponents: {' '.join(s.components)}"
        for s in expected
    )
    assert parse_one_line(one_line) == expected, "sources.list"
    assert parse_deb822(deb822) == expected, ".sources"


@given(st.text())
def test_no_text_makes_the_parsers_fail(text: str) -> None:
    assert isinstance(parse_one_line(text), list), "apt itself complains of what is wrong"
    assert isinstance(parse_deb822(text), list), "apt itself complains of what is wrong"


def test_the_machine_s_sources_come_from_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(f"deb {DEBIAN} bookworm main\n")
    (tmp_path / "sources.list.d" / "a.list").write_text(f"deb {DEBIAN} bookworm-updates main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(
        f"Types: deb\nURIs: {SECURITY}\nSuites: bookworm-security\nComponents: main\n"
    )
    (tmp_path / "sources.list.d" / "c.list.disabled").write_text(
        "deb http://off.example/debian bookworm main\n"
    )

    suites = [source.suite for source in machine_sources(tmp_path)]
    assert suites == ["bookworm", "bookworm-updates", "bookworm-security"], "apt's own file names only"


def test_an_image_takes_debian_and_its_updates_from_the_machine_s_mirror() -> None:
    machine = [
        Source(SECURITY, "bookworm-security", ("main", "contrib")),
        Source("http://elsewhere.example/tools", "bookworm", ("stable",)),
        Source(DEBIAN, "bookworm", ("main",)),
    ]
    assert image_sources(machine, {}) == [
        Source(DEBIAN, "bookworm", ("main",)),
        Source(SECURITY, "bookworm-security", ("main",)),
    ], "Debian itself comes first; a suite that the machine lacks is left out"


def test_a_mirror_can_be_named() -> None:
    chosen = image_sources([], {"TENANTRY_DEBIAN_MIRROR": DEBIAN})
    assert chosen == [Source(DEBIAN, "bookworm", ("main",))], "no settings of the machine are needed then"


def test_a_machine_without_debian_is_told_what_to_set() -> None:
    with pytest.raises(ToolchainError, match="set TENANTRY_DEBIAN_MIRROR to the address of a Debian mirror"):
        image_sources([Source("http://other.example/ubuntu", "noble", ("main",))], {})


def test_only_packages_of_missing_programs_are_installed() -> None:
    programs = {"sh": "dash", "no-such-program": "tini", "no-such-other": "tini"}
    assert missing_packages(programs) == ["tini"], "each package once, and none whose program is here"


def test_a_machine_without_apt_is_told_which_packages_it_lacks(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="apt-get is not here to install them: debootstrap, tini"):
        apt.install(["debootstrap", "tini"], workshop, "host")
