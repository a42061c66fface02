"""An engine that is already here: on PATH, else where Pulumi's own installer puts it; and will it do?"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from toolchain.engine import Engine
from toolchain.errors import ToolchainError

MINIMUM = (3, 255, 0)
"""The first version that takes an executable file as a policy pack."""

LANGUAGE_HOST = ("pulumi-language-python", "pulumi-language-python-exec")
OFFICIAL_FOLDER = Path(".pulumi", "bin")
ANSWER_WITHIN = 20.0
"""Seconds that `pulumi version` may take; it takes one on a busy machine."""


class Versions:
    """What `pulumi version` said, remembered by the program's path, size and time of change."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, pulumi: Path) -> str:
        """The version, as `3.259.0`. Raises ToolchainError when the program does not tell."""
        stat = pulumi.stat()
        key = f"{pulumi}:{stat.st_size}:{stat.st_mtime_ns}"
        known = self._read()
        if key not in known:
            known[key] = _ask_version(pulumi)
            self._write(known)
        return known[key]

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: Mapping[str, str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        new.write_text(json.dumps(known, indent=2))
        new.replace(self._file)


def _ask_version(pulumi: Path) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [pulumi, "version"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=ANSWER_WITHIN,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f"{pulumi} does not tell its version: {error}") from error
    return answer.stdout.strip().removeprefix("v")


def parse_version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version; what follows them (`-dev.0`, `+dirty`) is left out.

    Raises ToolchainError for anything else.
    """
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?![\d.])", text)
    if not match:
        raise ToolchainError(f"{text!r} is no version of the form 3.259.0")
    return int(match[1]), int(match[2]), int(match[3])


def candidates(environment: Mapping[str, str], home: Path, excluded: Path) -> Iterator[tuple[Path, str]]:
    """Each `pulumi` on PATH, then the official one, with what to call its place; none of ours."""
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    places = [(folder, "on PATH") for folder in folders]
    for folder, place in [*places, (home / OFFICIAL_FOLDER, "of the official installation")]:
        pulumi = folder / "pulumi"
        if os.access(pulumi, os.X_OK) and pulumi.is_file() and not pulumi.resolve().is_relative_to(excluded):
            yield pulumi, place


def find(environment: Mapping[str, str], home: Path, cache: Path) -> tuple[Engine | None, list[str]]:
    """The first engine here that will do, and why each before it will not."""
    versions = Versions(cache / "versions.json")
    refused: list[str] = []
    for pulumi, place in candidates(environment, home, cache):
        try:
            return judge(pulumi, place, versions), refused
        except ToolchainError as error:
            refused.append(str(error))
    return None, refused


def judge(pulumi: Path, place: str, versions: Versions) -> Engine:
    """The engine of this program. Raises ToolchainError, which says why, when it will not do."""
    version = versions.of(pulumi)
    if parse_version(version) < MINIMUM:
        minimum = ".".join(map(str, MINIMUM))
        raise ToolchainError(f"{pulumi} is {version}, older than {minimum}")
    folder = pulumi.parent
    beside = folder if _has_language_host(folder) else pulumi.resolve().parent
    if not _has_language_host(beside):
        raise ToolchainError(f"{pulumi} has no language host for Python ({LANGUAGE_HOST[0]}) beside it")
    folders = (folder,) if beside == folder else (folder, beside)
    return Engine(pulumi=pulumi, version=version, folders=folders, why=f"{version} {place}")


def _has_language_host(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in LANGUAGE_HOST)
