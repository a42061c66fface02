from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import engine, golang, images
from toolchain.errors import CommandFailedError
from toolchain.workshop import RECIPES, Workshop

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="namespaces need root, as the toolchain itself does"
)

COMPILES = """
echo "$(basename "$PWD") $GOFLAGS" >> {log}
[ -e {broken} ] && [ "$(basename "$PWD")" = pulumi-language-python ] && echo 'checksum mismatch' && exit 1
for folder in cmd dist; do mkdir -p "$GOMODCACHE/{sdk}/python/$folder"; done
echo exec > "$GOMODCACHE/{sdk}/python/cmd/pulumi-language-python-exec"
echo dynamic > "$GOMODCACHE/{sdk}/python/dist/pulumi-resource-pulumi-python"
while [ "$1" != -o ]; do shift; done
echo compiled > "$2"
"""


@pytest.fixture
def log(tmp_path: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of a `go` that pretends to compile; the language host fails while `broken` is there."""
    log = tmp_path / "log"
    body = COMPILES.format(log=log, broken=tmp_path / "broken", sdk=engine.SDK_MODULE)
    go = program("go/bin/go", body)
    monkeypatch.setattr(golang, "make_go", lambda _: go)
    return log


@pytest.mark.usefixtures("log")
def test_the_engine_s_folder_holds_all_it_needs(workshop: Workshop) -> None:
    made = engine.make(workshop, "a test")
    names = sorted(path.name for path in made.pulumi.parent.iterdir())
    assert names == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ], "the engine warns of a language host that is not beside it"
    assert all(os.access(made.pulumi.parent / name, os.R_OK) for name in names), "they can be read"


@pytest.mark.usefixtures("log")
def test_what_only_builds_need_goes_at_the_end_of_the_set_up(workshop: Workshop) -> None:
    golang.remove_work(workshop)
    engine.make(workshop, "a test")
    assert (workshop.cache.root / golang.WORK).is_dir(), "other builds of this run can use it"
    golang.remove_work(workshop)
    assert not (workshop.cache.root / golang.WORK).exists(), "gigabytes"


def test_an_interrupted_build_goes_on_with_what_is_there(
    workshop: Workshop, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(CommandFailedError, match="checksum mismatch"):
        engine.make(workshop, "a test")
    assert (workshop.cache.root / golang.WORK).is_dir(), "its sources stay for the next run"
    (tmp_path / "broken").unlink()
    engine.make(workshop, "a test")

    built = [line.split()[0] for line in log.read_text().splitlines()]
    assert built == ["pulumi", "pulumi-language-python", "pulumi-language-python"], "pulumi was built once"


def test_the_build_takes_only_the_modules_of_the_recipe(workshop: Workshop, log: Path) -> None:
    engine.make(workshop, "a test")
    assert all("-mod=readonly" in line for line in log.read_text().splitlines()), "go.mod and go.sum hold"


def test_this_machine_s_apt_settings_reach_the_image(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (
        "Acquire::Check-Valid-Until=false\\nAPT::Install-Recommends=1\\nAcquire::http::Proxy=http://p:1/\\n"
    )
    folder = program("bin/apt-config", f"printf '{settings}'").parent
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert images.apt_options() == [
        *("-o", "Acquire::Check-Valid-Until=false"),
        *("-o", "Acquire::http::Proxy=http://p:1/"),
    ], "what it takes to reach the mirror, and nothing of taste"


@pytest.mark.parametrize("script", sorted(RECIPES.glob("*/build.sh")), ids=lambda path: path.parent.name)
def test_the_scripts_of_images_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    assert "set -eu" in script.read_text(), "the first command that fails ends the build"
