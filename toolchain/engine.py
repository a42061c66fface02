"""The Pulumi engine by the recipes: the program `pulumi` and its language host for Python."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolchain import golang
from toolchain.cache import Recipe
from toolchain.workshop import RECIPES, Workshop

VERSION = "3.259.0"
HOST_VERSION = "3.79.0"

PULUMI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
HOST_PACKAGE = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
SDK_MODULE = f"github.com/pulumi/pulumi/sdk/v3@v{HOST_VERSION}"
HOST_SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",
)
"""What the language host starts, by its path in the module: the program's runner, and dynamic providers."""

LINK = f"-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={VERSION}"

PULUMI = Recipe(
    name="pulumi", version=VERSION, folder=RECIPES / "pulumi", inputs=(golang.GO.key, PULUMI_PACKAGE, LINK)
)
LANGUAGE_HOST = Recipe(
    name="pulumi-language-python",
    version=HOST_VERSION,
    folder=RECIPES / "pulumi-language-python",
    inputs=(golang.GO.key, HOST_PACKAGE, *HOST_SCRIPTS),
)
ENGINE = Recipe(name="engine", version=VERSION, inputs=(PULUMI.key, LANGUAGE_HOST.key))
"""Both in one folder: the engine warns of a language host that is on PATH but not beside it."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine that can be used: the folders that go on PATH, and why this one."""

    pulumi: Path
    version: str
    folders: tuple[Path, ...]
    why: str


def is_made(workshop: Workshop) -> bool:
    return workshop.cache.has(PULUMI) and workshop.cache.has(LANGUAGE_HOST)


def make(workshop: Workshop, why: str) -> Engine:
    """The engine from the cache, its missing parts built now."""
    if not is_made(workshop):
        _build(workshop)
    folder = workshop.make(ENGINE, lambda target: _link_programs(workshop, target))
    return Engine(pulumi=folder / "pulumi", version=VERSION, folders=(folder,), why=why)


def _link_programs(workshop: Workshop, target: Path) -> None:
    for recipe in (PULUMI, LANGUAGE_HOST):
        for program in workshop.cache.path(recipe).iterdir():
            os.link(program, target / program.name)


def _build(workshop: Workshop) -> None:
    go = golang.make_go(workshop)

    def build_pulumi(target: Path) -> None:
        output = target / "pulumi"
        golang.compile_program(PULUMI, PULUMI_PACKAGE, [LINK], output, go=go, workshop=workshop)

    def build_language_host(target: Path) -> None:
        output = target / "pulumi-language-python"
        golang.compile_program(LANGUAGE_HOST, HOST_PACKAGE, [], output, go=go, workshop=workshop)
        for script in HOST_SCRIPTS:
            copied = target / Path(script).name
            shutil.copyfile(golang.module_cache(workshop) / SDK_MODULE / script, copied)
            copied.chmod(0o755)

    with workshop.lock(golang.WORK):
        workshop.make(PULUMI, build_pulumi)
        workshop.make(LANGUAGE_HOST, build_language_host)
