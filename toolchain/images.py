"""The images of machines: the droplet image debian-12-x64, and the layer above it for databases.

Each is made by the shell script of its recipe, in a mount namespace of its own.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from toolchain import apt, mesh
from toolchain.cache import Recipe
from toolchain.errors import ToolchainError
from toolchain.workshop import RECIPES, Workshop

DROPLET = Recipe(
    name="debian-12-x64", version="12", folder=RECIPES / "debian-12-x64", inputs=(mesh.TAILSCALE.key,)
)
DATABASE = Recipe(name="database", version="12", folder=RECIPES / "database", inputs=(DROPLET.key,))

INHERITED_SETTINGS = (
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::Retries",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
)
"""What this machine's apt was told about reaching its mirror; the chroot's apt has to know it too."""


def make_droplet_image(workshop: Workshop, tailscale: Path) -> Path:
    """The root file system that every droplet's own layer lies on, with the programs of `tailscale` in it."""

    def build(target: Path) -> None:
        _run_script(DROPLET, {"ROOT": str(target), "TAILSCALE": str(tailscale)}, workshop)
        # A root directory that only root can enter would lock every service's own user out.
        target.chmod(0o755)

    return workshop.make(DROPLET, build)


def make_database_layer(workshop: Workshop, droplet_image: Path) -> Path:
    """The overlay layer that makes a droplet image a database host's."""

    def build(target: Path) -> None:
        _run_script(DATABASE, {"LOWER": str(droplet_image), "TARGET": str(target)}, workshop)

    return workshop.make(DATABASE, build) / "layer"


def _run_script(recipe: Recipe, variables: dict[str, str], workshop: Workshop) -> None:
    sources = apt.image_sources(apt.machine_sources(), os.environ)
    environment = {
        **variables,
        "RECIPE": str(recipe.folder),
        "MIRROR": sources[0].address,
        "SOURCES": "\n".join(map(str, sources)),
        "APT_OPTIONS": " ".join(apt_options()),
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    with workshop.heavy(recipe.name):
        workshop.run(recipe.name, ["sh", f"{recipe.folder}/build.sh"], environment=environment)


def apt_options() -> list[str]:
    """The machine's settings of INHERITED_SETTINGS, as options of apt-get."""
    try:
        dump = subprocess.run(
            ["apt-config", "--format", "%f=%v%n", "dump"], check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolchainError(f"apt-config does not answer: {error}; images are made with apt") from error
    settings = [line for line in dump.splitlines() if line.split("=", 1)[0] in INHERITED_SETTINGS]
    return [word for setting in settings for word in ("-o", setting)]
