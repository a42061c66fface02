"""The manifest: what was found or made, for the parts of this clone that use it.

`.tenantry/toolchain.json` belongs to one clone; everything heavy that it names is in the shared cache.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from toolchain.engine import Engine
from toolchain.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Program:
    """One thing that is used: which, where, and why this one."""

    version: str
    path: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of toolchain.json; paths are absolute."""

    environment: dict[str, str]
    images: dict[str, str]
    postgresql: str
    valkey: str
    tailscale: str
    """The folder of `tailscaled` and `tailscale`."""
    headscale: str
    openbao: str
    programs: dict[str, Program]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n", mode=0o644)


@dataclass(frozen=True)
class Clone:
    """The paths of one clone of the repository."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / ".tenantry" / "toolchain.json"

    @property
    def pulumi(self) -> Path:
        return self.root / ".tenantry" / "pulumi"

    @property
    def pulumi_home(self) -> Path:
        return self.pulumi / "home"

    @property
    def pulumi_state(self) -> Path:
        return self.pulumi / "state"

    @property
    def passphrase_file(self) -> Path:
        return self.pulumi / "passphrase"


def prepare(clone: Clone) -> None:
    """Makes the clone's Pulumi folders, and the passphrase of its stacks, once and for ever.

    Without that passphrase no secret in the state can be read again, so an existing one is never replaced.
    """
    clone.pulumi.mkdir(parents=True, exist_ok=True)
    clone.pulumi.chmod(0o700)
    clone.pulumi_home.mkdir(exist_ok=True)
    clone.pulumi_state.mkdir(exist_ok=True)
    with FileLock(clone.pulumi / "passphrase.lock"):
        if not clone.passphrase_file.exists():
            write_atomically(clone.passphrase_file, secrets.token_urlsafe(32) + "\n", mode=0o600)


def environment(clone: Clone, engine: Engine, path: str, prefix: Path = Path(sys.prefix)) -> dict[str, str]:
    """What the engine and everything that starts it has in its environment.

    The language host 3.79.0 takes `python` from PATH, so this environment's programs come first.
    """
    ours = [str(prefix / "bin"), *map(str, engine.folders)]
    others = [folder for folder in path.split(os.pathsep) if folder and folder not in ours]
    return {
        "PATH": os.pathsep.join([*ours, *others]),
        "PULUMI_HOME": str(clone.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{clone.pulumi_state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(clone.passphrase_file),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "VIRTUAL_ENV": str(prefix),
    }


def rows(manifest: Manifest) -> Sequence[tuple[str, str, str, str]]:
    """The manifest's programs as rows of a table: name, version, why, path."""
    return [(name, p.version, p.why, p.path) for name, p in manifest.programs.items()]
