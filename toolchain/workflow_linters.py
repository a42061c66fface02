"""`python -m toolchain.workflow_linters`: actionlint, zizmor and shellcheck, on workflows and scripts.

What is missing is made or installed first, and nothing else of the toolchain is: `make check` stays quick.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from toolchain import apt, golang
from toolchain.cache import Cache, Recipe, cache_directory
from toolchain.errors import InterruptedBuildError, ToolchainError
from toolchain.preflight import check_machine, check_space
from toolchain.processes import Processes
from toolchain.progress import Progress
from toolchain.workshop import RECIPES, Workshop

VERSION = "1.7.12"
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
FLAGS = (f"-ldflags=-s -w -X github.com/rhysd/actionlint.version={VERSION}",)

ACTIONLINT = Recipe(
    name="actionlint",
    version=VERSION,
    folder=RECIPES / "actionlint",
    inputs=(golang.GO.key, PACKAGE, *FLAGS),
)
SHELLCHECK = {"shellcheck": "shellcheck"}
MEANT = ("SC2013", "SC2015")
"""Words of a list and not lines, and `a && b || c` where c is for either: meant wherever they are here."""
SHELLS = {"sh", "bash", "dash"}

SPACE = {golang.GO: 320, ACTIONLINT: 130}
"""MiB that making each takes at its largest (measured, and a quarter more)."""

FAILED = 1
INTERRUPTED = 130


def make_actionlint(workshop: Workshop) -> Path:
    """The program `actionlint`."""

    def build(target: Path) -> None:
        go = golang.make_go(workshop)
        output = target / "actionlint"
        with workshop.lock(golang.WORK):
            golang.compile_program(ACTIONLINT, PACKAGE, FLAGS, output, go=go, workshop=workshop)

    return workshop.make(ACTIONLINT, build) / "actionlint"


def set_up(workshop: Workshop) -> Path:
    """Makes and installs what is missing, and returns actionlint. Raises ToolchainError."""
    cache = workshop.cache
    packages = apt.missing_packages(SHELLCHECK)
    if packages or not cache.has(ACTIONLINT):
        check_machine()
    if packages:
        with workshop.progress.step("shellcheck"):
            apt.install(packages, workshop, "shellcheck")
    if not cache.has(ACTIONLINT):
        check_space(cache.root, sum(size for recipe, size in SPACE.items() if not cache.has(recipe)))
        make_actionlint(workshop)
        golang.remove_work(workshop)
    return cache.path(ACTIONLINT) / "actionlint"


def shell_scripts(root: Path) -> list[str]:
    """The repository's shell scripts, by their name or their first line; new ones too, before they are added.

    Raises ToolchainError where git doesn't know the folder.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise ToolchainError(f"git doesn't list the files of {root}: {listed.stderr.strip()}")
    return sorted(name for name in set(listed.stdout.split("\0")) if name and _is_shell(root / name))


def _is_shell(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix in {".sh", ".bash"}:
        return True
    with path.open("rb") as file:
        first = file.readline(80).decode(errors="replace").replace("/", " ").split()
    return first[:1] == ["#!"] and not SHELLS.isdisjoint(first)


def commands(root: Path, actionlint: Path) -> Iterator[list[str]]:
    """What is run in the repository's folder, one after another; nothing of it reaches for the network."""
    workflows = sorted(str(path.relative_to(root)) for path in (root / ".github/workflows").glob("*.yml"))
    zizmor = Path(sys.executable).with_name("zizmor")
    if workflows:
        yield [str(actionlint), "-shellcheck=shellcheck", "-pyflakes=", *workflows]
        yield [str(zizmor), "--offline", "--quiet", "--persona=pedantic", "--strict-collection", ".github"]
    if scripts := shell_scripts(root):
        yield ["shellcheck", f"--exclude={','.join(MEANT)}", "--", *scripts]


def lint(root: Path, actionlint: Path, console: Console) -> int:
    """Runs all linters, also after one that complains, and returns the exit status."""
    status = 0
    for command in commands(root, actionlint):
        shown = [Path(command[0]).name, *command[1:]]
        console.print(shlex.join(shown), markup=False, highlight=False, soft_wrap=True)
        if subprocess.run(command, cwd=root, check=False).returncode:
            status = FAILED
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Lints the clone at hand, or the one that is named; returns 0, 1 for complaints and errors, or 130."""
    given = sys.argv[1:] if arguments is None else arguments
    root = Path(given[0]).resolve() if given else Path(__file__).resolve().parents[1]
    console, errors = Console(), Console(stderr=True)
    with suppress(ValueError):  # signals are the main thread's
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        workshop = Workshop(Cache(cache_directory(os.environ)), Processes(), Progress(console))
        with workshop.progress.shown():
            actionlint = set_up(workshop)
        return lint(root, actionlint, console)
    except (KeyboardInterrupt, InterruptedBuildError):
        errors.print("interrupted: run it again to go on", style="bold")
        return INTERRUPTED
    except ToolchainError as error:
        errors.print(f"toolchain: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
