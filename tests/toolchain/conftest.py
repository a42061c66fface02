from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from toolchain.cache import Cache
from toolchain.processes import Processes
from toolchain.progress import Progress
from toolchain.workshop import Workshop


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def workshop(cache: Cache) -> Workshop:
    return Workshop(cache, Processes(), Progress(Console(quiet=True)))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes an executable shell script and returns its path."""

    def make(name: str, body: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make
