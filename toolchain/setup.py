"""The whole set-up: which steps there are, what each needs, and the manifest that comes of them."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from toolchain import (
    apt,
    databases,
    engine,
    finder,
    golang,
    images,
    installer,
    manifest,
    mesh,
    providers,
    vault,
)
from toolchain.cache import Cache, Recipe
from toolchain.engine import Engine
from toolchain.errors import InstallerError
from toolchain.graph import Results, Step, run
from toolchain.manifest import Clone, Manifest, Program
from toolchain.preflight import check_space
from toolchain.workshop import Workshop

SPACE = {
    golang.GO: 320,
    engine.PULUMI: 3600,
    engine.LANGUAGE_HOST: 200,
    mesh.TAILSCALE: 1400,
    mesh.HEADSCALE: 2300,
    vault.OPENBAO: 350,
    images.DROPLET: 1000,
    images.DATABASE: 150,
    databases.POSTGRESQL: 500,
    databases.VALKEY: 60,
}
"""MiB that making each takes at its largest, its sources included (measured, and a quarter more)."""


def set_up(clone: Clone, workshop: Workshop) -> Manifest:
    """Finds or makes everything, writes the clone's manifest and returns it.

    Raises ToolchainError, which says what is wrong and what to do; what is complete stays in the cache.
    """
    workshop.cache.remove_leftovers()
    found, refused = finder.find(os.environ, Path.home(), workshop.cache.root)
    check_space(workshop.cache.root, space_needed(workshop.cache, with_engine=found is None))
    results = run(steps(workshop, found, refused), stop=workshop.stop)
    golang.remove_work(workshop)
    manifest.prepare(clone)
    plugins = providers.install(clone.pulumi_home, clone.root, Path.home() / ".pulumi" / "plugins")
    made = describe(clone, results, plugins)
    made.write(clone.manifest)
    return made


def space_needed(cache: Cache, *, with_engine: bool) -> int:
    """MiB that the missing entries will take while they are made."""
    of_engine: set[Recipe] = {golang.GO, engine.PULUMI, engine.LANGUAGE_HOST}
    return sum(
        size
        for recipe, size in SPACE.items()
        if not cache.has(recipe) and (with_engine or recipe not in of_engine)
    )


def steps(workshop: Workshop, found: Engine | None, refused: list[str]) -> list[Step]:
    """The graph: builds of the engine go on beside those of the images and databases."""

    def host(_: Results) -> list[str]:
        return install_host_packages(workshop)

    return [
        Step(name="host", action=host),
        Step(name="engine", action=lambda _: found or provide_engine(workshop, refused)),
        Step(name="tailscale", action=lambda _: mesh.make_tailscale(workshop)),
        Step(
            name="droplet image",
            needs=("host", "tailscale"),
            action=lambda done: images.make_droplet_image(workshop, done["tailscale"]),
        ),
        Step(
            name="database layer",
            needs=("droplet image",),
            action=lambda done: images.make_database_layer(workshop, done["droplet image"]),
        ),
        Step(name="postgresql", needs=("host",), action=lambda _: databases.make_postgresql(workshop)),
        Step(name="valkey", action=lambda _: databases.make_valkey(workshop)),
        Step(name="headscale", action=lambda _: mesh.make_headscale(workshop)),
        Step(name="openbao", action=lambda _: vault.make_openbao(workshop)),
    ]


def install_host_packages(workshop: Workshop) -> list[str]:
    """Installs what this machine lacks, and returns the packages' names."""
    programs = dict(apt.PROGRAMS)
    if not workshop.cache.has(databases.POSTGRESQL):
        programs["npm"] = "npm"
    missing = apt.missing_packages(programs)
    if missing:
        with workshop.progress.step("host"):
            apt.install(missing, workshop, "host")
    return missing


def provide_engine(workshop: Workshop, refused: list[str]) -> Engine:
    """An engine, when none that will do was found: the official one if it can be had, else by the recipe."""
    reasons = list(refused)
    if installer.is_installed(workshop) or (not engine.is_made(workshop) and installer.reachable(os.environ)):
        try:
            return installer.install(workshop)
        except InstallerError as error:
            reasons.append(str(error))
    why = "; ".join(["built by the recipe", *reasons])
    return engine.make(workshop, why)


def describe(clone: Clone, results: Results, plugins: list[providers.Provider]) -> Manifest:
    """The manifest of these results."""
    used: Engine = results["engine"]
    installed = f"installed now: {', '.join(results['host'])}" if results["host"] else "installed already"
    image, layer = results["droplet image"], results["database layer"]
    postgresql, valkey = results["postgresql"], results["valkey"]
    programs = {
        "python": Program(version=platform.python_version(), path=sys.executable, why="runs this"),
        "pulumi": Program(version=used.version, path=str(used.pulumi), why=used.why),
        **{
            f"pulumi-resource-{plugin.name}": Program(
                version=plugin.version, path=str(plugin.program), why=plugin.why
            )
            for plugin in plugins
        },
        "Debian packages": Program(version="", path="/usr", why=installed),
        "debian-12-x64": Program(version="12", path=str(image), why="image of droplets, by the recipe"),
        "database": Program(version="12", path=str(layer), why="layer for database hosts, by the recipe"),
        "postgresql": Program(version="18.4", path=str(postgresql), why="with TLS and pgvector 0.8.5"),
        "valkey": Program(version="8.1.8", path=str(valkey), why="behind stunnel4 for TLS"),
        "tailscale": Program(version=mesh.VERSION, path=str(results["tailscale"]), why="built by the recipe"),
        "headscale": Program(
            version=mesh.HEADSCALE_VERSION, path=str(results["headscale"]), why="built by the recipe"
        ),
        "openbao": Program(
            version=vault.OPENBAO.version, path=str(results["openbao"]), why="Vault's API, open source"
        ),
    }
    return Manifest(
        environment=manifest.environment(clone, used, os.environ.get("PATH", "")),
        images={"debian-12-x64": str(image), "database": str(layer)},
        postgresql=str(postgresql),
        valkey=str(valkey),
        tailscale=str(results["tailscale"]),
        headscale=str(results["headscale"]),
        openbao=str(results["openbao"]),
        programs=programs,
    )
