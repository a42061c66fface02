"""The folder that the engine runs in, on this machine: the clone's program, and its specs with a salt each.

The engine writes the salt of a stack's passphrase into `Pulumi.<stack>.yaml`. Here that is a copy, kept for
ever, so that the clone stays clean (docs/adr/0006). On the real cloud `pulumi up` runs in the clone itself.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.naming import PLATFORM
from stacks import policy_pack
from stacks.errors import UNREADABLE, ProjectError, unreadable

CLONE = Path(__file__).resolve().parents[1]
RELEASES = CLONE / ".tenantry" / "releases"
"""Where the releases that hosts are sent are packed."""

MACHINE_KEYS = ("encryptionsalt", "secretsprovider", "encryptedkey")
"""What the engine keeps beside a stack's config: it belongs to this machine's state, not to the clone's
spec.
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """`clone` has the program, `specs` the specs, and `folder` is where the engine runs."""

    clone: Path
    specs: Path
    folder: Path

    @classmethod
    def of_environment(cls) -> "Project":
        """The project of this clone; TENANTRY_SPECS and TENANTRY_PROJECT_DIR point elsewhere, for tests."""
        return cls(
            clone=CLONE,
            specs=Path(os.environ.get("TENANTRY_SPECS", CLONE)),
            folder=Path(os.environ.get("TENANTRY_PROJECT_DIR", CLONE / ".tenantry" / "project")),
        )

    @property
    def tenants(self) -> tuple[str, ...]:
        """Every tenant that has a spec."""
        return tuple(stack for stack in self.stacks if stack != PLATFORM)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Every stack that has a spec: the tenants, and the platform."""
        return tuple(sorted(path.name.split(".")[1] for path in self.specs.glob("Pulumi.*.yaml")))

    @property
    def name(self) -> str:
        """The project's name, which is part of every URN."""
        return str(_read(self.clone / "Pulumi.yaml")["name"])

    def spec_file(self, stack: str) -> Path:
        """The clone's spec of a stack. Raises ProjectError when there is none."""
        path = self.specs / f"Pulumi.{stack}.yaml"
        if not path.is_file():
            known = ", ".join(self.stacks) or "none"
            msg = f"no spec for {stack!r}: write {path}, or choose one of those there are ({known})"
            raise ProjectError(msg)
        return path

    def stack_file(self, stack: str) -> Path:
        """The engine's copy of a stack's spec."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def sync(self, stacks: tuple[str, ...]) -> None:
        """Carry the clone's program, its specs and the rules' settings over; salts stay.

        Raises ProjectError, PolicyError.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        definition = _read(self.clone / "Pulumi.yaml")
        definition["main"] = str((self.clone / definition.get("main", ".")).resolve())
        _write(self.folder / "Pulumi.yaml", definition)
        policy_pack.write_config(self.specs, self.folder)
        for stack in stacks:
            _write(self.stack_file(stack), self._merged(stack))

    def _merged(self, stack: str) -> dict[str, Any]:
        spec = {key: value for key, value in _read(self.spec_file(stack)).items() if key not in MACHINE_KEYS}
        path = self.stack_file(stack)
        kept = _read(path) if path.is_file() else {}
        return {key: kept[key] for key in MACHINE_KEYS if key in kept} | spec


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except UNREADABLE as error:
        msg = f"can't read {path}: {unreadable(error)}; it should be a YAML file of the project"
        raise ProjectError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, not a mapping; see the specs that come with the repo"
        raise ProjectError(msg)
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    """At once or not at all: an interrupted run never leaves half a file, nor a stack without its salt."""
    text = yaml.safe_dump(content, sort_keys=False)
    if path.is_file() and path.read_text() == text:
        return
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.chmod(0o600)
    temporary.replace(path)


def main() -> int:
    """Make the project folder of this clone, and print where it is."""
    project = Project.of_environment()
    project.sync(project.stacks)
    sys.stdout.write(f"{project.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
