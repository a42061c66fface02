"""Pulumi's official installer, where it can be reached.

It is asked first with a short deadline, so that a machine that reaches only package registries goes on
to the recipes at once. It installs into the cache, and leaves the home directory and its shell files alone.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from toolchain.cache import Recipe
from toolchain.engine import VERSION, Engine
from toolchain.errors import CommandFailedError, InstallerError
from toolchain.finder import LANGUAGE_HOST
from toolchain.workshop import Workshop

ADDRESS = "https://get.pulumi.com"
SKIP_VARIABLE = "TENANTRY_OFFLINE_INSTALLER"
REACHABLE_WITHIN = 3.0
"""Seconds that the installer's server has to answer."""

OFFICIAL = Recipe(name="pulumi-official", version=VERSION, inputs=(ADDRESS,))


def reachable(environment: Mapping[str, str], address: str = ADDRESS) -> bool:
    """Whether the official installer answers; never tried when $TENANTRY_OFFLINE_INSTALLER is `skip`."""
    if environment.get(SKIP_VARIABLE) == "skip":
        return False
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310  the scheme is ours
    try:
        with urllib.request.urlopen(request, timeout=REACHABLE_WITHIN):  # noqa: S310
            return True
    except (OSError, HTTPException):
        return False


def is_installed(workshop: Workshop) -> bool:
    return workshop.cache.has(OFFICIAL)


def install(workshop: Workshop, address: str = ADDRESS) -> Engine:
    """The official engine, installed into the cache.

    Raises InstallerError when the installer fails, or what it leaves cannot run Python programs.
    """

    def build(target: Path) -> None:
        script = target / "install.sh"
        _fetch(address, script)
        options = ("--version", VERSION, "--install-root", str(target), "--no-edit-path")
        try:
            workshop.run(OFFICIAL.name, ["sh", str(script), *options])
        except CommandFailedError as error:
            raise InstallerError(f"the official {error}") from error
        missing = [name for name in ("pulumi", *LANGUAGE_HOST) if not (target / "bin" / name).is_file()]
        if missing:
            raise InstallerError(f"the official installer left no {', '.join(missing)}")
        script.unlink()

    folder = workshop.make(OFFICIAL, build) / "bin"
    why = f"{VERSION} by the official installer"
    return Engine(pulumi=folder / "pulumi", version=VERSION, folders=(folder,), why=why)


def _fetch(address: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  the scheme is ours
            path.write_bytes(answer.read())
    except (OSError, HTTPException) as error:
        raise InstallerError(f"the official installer at {address} cannot be fetched: {error}") from error
