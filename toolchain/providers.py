"""The provider plugins in PULUMI_HOME, where the engine looks for `resource-<name>-v<version>`."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.files import write_atomically

STAND_INS = {
    "command": "toolchain.plugins.command",
    "digitalocean": "toolchain.plugins.digitalocean",
    "tailscale": "toolchain.plugins.tailscale",
}
"""Providers that the programs use, and the module that stands in where the official plugin is missing."""


@dataclass(frozen=True)
class Provider:
    """A provider plugin as it is installed."""

    name: str
    version: str
    program: Path
    why: str


def install(home: Path, clone: Path, official: Path) -> list[Provider]:
    """Installs every provider into the PULUMI_HOME `home`; `official` is a folder of official plugins.

    Raises ToolchainError when the provider's Python package is not installed.
    """
    return [_install(name, module, home, clone, official) for name, module in STAND_INS.items()]


def _install(name: str, module: str, home: Path, clone: Path, official: Path) -> Provider:
    version = _sdk_version(name)
    folder = f"resource-{name}-v{version}"
    place = home / "plugins" / folder
    program = place / f"pulumi-resource-{name}"
    if (official / folder / program.name).is_file():
        _link(place, official / folder)
        return Provider(name, version, program, "the official plugin")
    if place.is_symlink():
        place.unlink()
    place.mkdir(parents=True, exist_ok=True)
    write_atomically(program, stand_in(module, clone), mode=0o755)
    return Provider(name, version, program, "our stand-in: no official plugin here")


def stand_in(module: str, clone: Path) -> str:
    """A program that runs the module by this Python, from this clone.

    Its environment stays as it came, without a PYTHONPATH: the commands that a plugin runs inherit it.
    """
    start = (
        "import runpy, sys; clone, module = sys.argv[1:3]; del sys.argv[1:3]; sys.path.insert(0, clone); "
        'runpy.run_module(module, run_name="__main__", alter_sys=True)'
    )
    command = shlex.join([sys.executable, "-c", start, str(clone), module])
    return f'#!/bin/sh\nexec {command} "$@"\n'


def _sdk_version(name: str) -> str:
    try:
        return importlib.metadata.version(f"pulumi-{name}")
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolchainError(
            f"the Python package pulumi-{name} is not installed in {sys.prefix}: install requirements.lock"
        ) from error


def _link(place: Path, target: Path) -> None:
    if place.is_symlink() and place.readlink() == target:
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    new = place.with_name(f".{place.name}.{os.getpid()}")
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(place)
