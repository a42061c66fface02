"""A Pulumi project in a folder of its own, run by the real engine with a stand-in as its plugin."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolchain import providers

ROOT = Path(__file__).parents[3]


@dataclass
class Engine:
    """A Pulumi project in a folder of its own, with the stand-in as its plugin."""

    folder: Path
    environment: dict[str, str]
    errors: str = ""

    def run(self, *arguments: str, succeeds: bool = True, input: str | None = None) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        self.errors = done.stderr
        said = f"pulumi {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        assert (done.returncode == 0) == succeeds, said
        return done.stdout

    def steps(self, *arguments: str) -> dict[str, str]:
        """The operation on each resource, by its logical name, that a preview announces."""
        announced = json.loads(self.run("preview", "--json", *arguments))["steps"]
        return {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in announced}

    def state(self) -> dict[str, Any]:
        return {each["urn"].rsplit("::", 1)[-1]: each for each in self.deployment()["resources"]}

    def deployment(self) -> dict[str, Any]:
        deployment: dict[str, Any] = json.loads(self.run("stack", "export"))["deployment"]
        return deployment


def toolchain_environment() -> dict[str, str]:
    """The environment that has `pulumi`: the toolchain's, or else the one that the tests run in."""
    manifest = ROOT / ".tenantry" / "toolchain.json"
    found = dict(json.loads(manifest.read_text())["environment"]) if manifest.exists() else {}
    path = f"{Path(sys.executable).parent}{os.pathsep}{found.get('PATH', os.environ['PATH'])}"
    if not shutil.which("pulumi", path=path):
        pytest.fail("there is no pulumi: run `python -m toolchain` first")
    return {"PATH": path, "HOME": os.environ.get("HOME", "/")}


def new_project(tmp_path: Path, program: str, environment: Mapping[str, str]) -> Engine:
    """A project `sample` with a stack `dev`, and the stand-ins as they are installed."""
    home, project, state = (tmp_path / name for name in ("home", "project", "state"))
    providers.install(home, ROOT, tmp_path / "no official plugins")
    project.mkdir()
    state.mkdir()
    (project / "Pulumi.yaml").write_text("name: sample\nruntime: python\n")
    (project / "__main__.py").write_text(program)
    own = {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(8),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    engine = Engine(project, {**toolchain_environment(), **own, **environment})
    engine.run("stack", "init", "dev")
    return engine
