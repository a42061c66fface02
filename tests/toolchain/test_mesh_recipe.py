from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import golang, images, mesh
from toolchain.errors import CommandFailedError
from toolchain.workshop import RECIPES, Workshop

COMPILES = """
[ -e {broken} ] && echo 'no such module' && exit 1
for argument; do printf '%s\\n' "$argument"; done > {log}
while [ "$1" != -o ]; do shift; done
echo compiled > "$2" && chmod 755 "$2"
"""


@pytest.fixture
def log(tmp_path: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a `go` that pretends to compile was given; it fails while `broken` is there."""
    go = program("go/bin/go", COMPILES.format(log=tmp_path / "log", broken=tmp_path / "broken"))
    monkeypatch.setattr(golang, "make_go", lambda _: go)
    return tmp_path / "log"


def test_tailscale_is_one_program_with_two_names(workshop: Workshop, log: Path) -> None:
    folder = mesh.make_tailscale(workshop)
    assert (folder / "tailscale").readlink() == Path("tailscaled"), "the name makes it the command"
    assert os.access(folder / "tailscale", os.X_OK), "it can be run"
    arguments = log.read_text().splitlines()
    (tags,) = (argument for argument in arguments if argument.startswith("-tags="))
    assert "ts_include_cli" in tags, "the daemon's program has the command in it"
    assert "ts_omit_netstack" in tags, "with it, it would need a module that no registry has"
    assert any(f"version.longStamp={mesh.VERSION}" in argument for argument in arguments), (
        "it knows its version: what tells a release from somebody's own build"
    )


def test_headscale_knows_its_version(workshop: Workshop, log: Path) -> None:
    assert mesh.make_headscale(workshop).name == "headscale", "the program itself"
    assert f"Version={mesh.HEADSCALE_VERSION}" in log.read_text(), "and not `dev`"


@pytest.mark.parametrize("make", [mesh.make_tailscale, mesh.make_headscale])
def test_a_build_that_fails_leaves_no_program(
    make: Callable[[Workshop], Path], workshop: Workshop, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(CommandFailedError, match="no such module"):
        make(workshop)
    (tmp_path / "broken").unlink()
    assert make(workshop).exists(), "the next run makes it whole"
    assert log.exists(), "by compiling it"


def test_another_tailscale_makes_another_droplet_image() -> None:
    assert mesh.TAILSCALE.key in images.DROPLET.inputs, "it is baked in"


def test_the_image_has_tailscale_s_own_unit_and_does_not_enable_it() -> None:
    files = RECIPES / "debian-12-x64" / "files"
    unit = (files / "usr/lib/systemd/system/tailscaled.service").read_text()
    assert "ExecStart=/usr/sbin/tailscaled --state=/var/lib/tailscale/tailscaled.state" in unit, "upstream's"
    assert 'PORT="41641"' in (files / "etc/default/tailscaled").read_text(), "the port that firewalls know"
    assert not list(files.rglob("*.wants/tailscaled.service")), "a host starts it behind its own firewall"


def test_every_wheel_of_a_recipe_is_pinned_by_its_hash() -> None:
    for requirements in RECIPES.glob("*/requirements.txt"):
        for line in requirements.read_text().splitlines():
            assert "==" in line, f"{requirements}: a version"
            assert "--hash=sha256:" in line, f"{requirements}: a hash"


def test_every_npm_package_of_a_recipe_is_pinned_by_its_hash() -> None:
    for pinned in RECIPES.glob("*/npm.json"):
        assert json.loads(pinned.read_text())["integrity"].startswith("sha512-"), f"{pinned}"
