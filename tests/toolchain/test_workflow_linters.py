from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from toolchain import apt, golang, preflight, workflow_linters
from toolchain.cache import Cache, cache_directory
from toolchain.errors import CommandFailedError, ToolchainError
from toolchain.workflow_linters import ACTIONLINT, VERSION, commands, lint, set_up, shell_scripts
from toolchain.workshop import RECIPES, Workshop

ROOT = Path(__file__).parents[2]

COMPILES = """
[ -e {broken} ] && echo 'no such module' && exit 1
for argument; do printf '%s\\n' "$argument"; done > {log}
while [ "$1" != -o ]; do shift; done
echo compiled > "$2" && chmod 755 "$2"
"""

WORKFLOW = """
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: COMMAND
"""


@pytest.fixture
def log(tmp_path: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a `go` that pretends to compile was given; it fails while `broken` is there."""
    go = program("go/bin/go", COMPILES.format(log=tmp_path / "log", broken=tmp_path / "broken"))
    monkeypatch.setattr(golang, "make_go", lambda _: go)
    return tmp_path / "log"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of git's with nothing in it."""
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


@pytest.fixture
def _everything_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "missing_packages", lambda _: [])


@pytest.mark.usefixtures("_everything_is_installed")
def test_actionlint_is_made_once_and_knows_its_version(workshop: Workshop, log: Path) -> None:
    actionlint = set_up(workshop)
    assert os.access(actionlint, os.X_OK), "it can be run"
    assert f"actionlint.version={VERSION}" in log.read_text(), "what it says of itself"
    assert not (workshop.cache.root / golang.WORK).exists(), "sources and compiled packages are gone"
    log.unlink()
    assert set_up(workshop) == actionlint, "the second time it is there"
    assert not log.exists(), "and nothing is compiled"


@pytest.mark.usefixtures("_everything_is_installed")
def test_a_build_that_fails_leaves_no_program(workshop: Workshop, log: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(CommandFailedError, match="no such module"):
        set_up(workshop)
    (tmp_path / "broken").unlink()
    assert set_up(workshop).exists(), "the next run makes it whole"
    assert log.exists(), "by compiling it"


@pytest.mark.usefixtures("_everything_is_installed")
def test_a_machine_that_has_everything_needs_no_root(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.cache.path(ACTIONLINT).mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert set_up(workshop).name == "actionlint", "linting is for everybody"


@pytest.mark.usefixtures("_everything_is_installed")
def test_what_has_to_be_made_is_refused_where_it_can_t_be(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError, match="is not root: run it again with sudo"):
        set_up(workshop)


def test_shellcheck_is_installed_when_it_is_missing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    workshop.cache.path(ACTIONLINT).mkdir(parents=True)
    monkeypatch.setattr(apt, "missing_packages", lambda wanted: sorted(wanted.values()))
    monkeypatch.setattr(apt, "install", lambda packages, *_: installed.extend(packages))
    set_up(workshop)
    assert installed == ["shellcheck"], "by apt, as all that the toolchain needs of the machine"


def test_every_go_module_of_the_recipe_is_pinned_by_its_hash() -> None:
    module = (RECIPES / "actionlint" / "go.mod").read_text()
    assert f"require github.com/rhysd/actionlint v{VERSION}\n" in module, "the version that is said"
    sums = (RECIPES / "actionlint" / "go.sum").read_text().splitlines()
    assert all(line.split()[2].startswith("h1:") for line in sums), "with a hash each"


def test_shell_scripts_are_known_by_their_name_or_their_first_line(repository: Path) -> None:
    files = {
        ".ci/run": "#!/usr/bin/env bash\n",
        "build.sh": "echo\n",
        "folder/with space": "#!/bin/sh -e\n",
        "program": "#!/usr/bin/env python3\n",
        "notes.txt": "run it with bash\n",
        "empty": "",
        "ignored.sh": "echo\n",
        ".gitignore": "ignored.sh\n",
    }
    for name, text in files.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text)
    (repository / "binary").write_bytes(b"\x7fELF\xff\xfe")
    (repository / "link.sh").symlink_to("build.sh")
    assert shell_scripts(repository) == [".ci/run", "build.sh", "folder/with space"], "new ones too"


def test_a_script_that_was_deleted_and_not_yet_committed_is_none(repository: Path) -> None:
    (repository / "gone.sh").touch()
    subprocess.run(["git", "add", "gone.sh"], cwd=repository, check=True)
    (repository / "gone.sh").unlink()
    assert shell_scripts(repository) == [], "there is nothing to read"


def test_a_folder_that_git_does_not_know_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(ToolchainError, match="git doesn't list the files"):
        shell_scripts(tmp_path)


def test_the_repositorys_own_scripts_and_workflows_are_all_read() -> None:
    lines = [" ".join(command) for command in commands(ROOT, Path("actionlint"))]
    assert all(script in lines[-1].split() for script in (".ci/run", ".ci/preview", "bootstrap.sh"))
    for workflow in (ROOT / ".github" / "workflows").iterdir():
        assert f".github/workflows/{workflow.name}" in lines[0].split(), "actionlint reads it"


def test_all_linters_run_and_one_that_complains_fails_the_check(
    repository: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = program("bin/shellcheck", f"echo called > {repository}/called").parent
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(workflow_linters.sys, "executable", str(folder / "python"))
    program("bin/zizmor", "exit 0")
    (repository / ".github" / "workflows").mkdir(parents=True)
    (repository / ".github" / "workflows" / "a.yml").touch()
    (repository / "a.sh").touch()
    complains, content = program("bin/complains", "exit 3"), program("bin/content", "exit 0")
    assert lint(repository, complains, Console(quiet=True)) == 1, "the check has failed"
    assert (repository / "called").exists(), "and the others have said what they have to say"
    assert lint(repository, content, Console(quiet=True)) == 0, "nobody complains"


def test_an_error_is_one_line_and_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fails(_: Workshop) -> Path:
        raise ToolchainError("no registry answers")

    monkeypatch.setattr(workflow_linters, "set_up", fails)
    monkeypatch.setattr(workflow_linters.signal, "signal", lambda *_: None)
    assert workflow_linters.main([str(tmp_path)]) == 1, "make stops"
    assert "toolchain: no registry answers" in capsys.readouterr().err, "and says why"


@pytest.mark.parametrize(
    ("command", "accepted"),
    [("echo well", True), ("echo $GITHUB_SHA", False), ("echo ${{ github.head_ref }}", False)],
)
def test_the_real_linters_find_what_is_wrong_in_a_workflows_shell(
    repository: Path, command: str, *, accepted: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    actionlint = Cache(cache_directory(os.environ)).path(ACTIONLINT) / "actionlint"
    if not actionlint.exists() or not shutil.which("shellcheck"):
        pytest.skip("`make check` makes them")
    (repository / ".github" / "workflows").mkdir(parents=True)
    workflow = repository / ".github" / "workflows" / "a.yml"
    workflow.write_text(WORKFLOW.replace("COMMAND", command))
    first = next(commands(repository, actionlint))
    done = subprocess.run(first, cwd=repository, check=False)
    assert (done.returncode == 0) == accepted, capfd.readouterr()
