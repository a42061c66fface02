"""The pieces that a host's cloud-config is composed of, and what is composed from them.

A piece brings files, steps of the one script that runs at the first boot, and keys of cloud-config itself.
One script rather than many `runcmd` entries: a failed step fails the boot, by name, and nothing runs after
it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

USER_DATA_LIMIT = 64 * 1024
"""DigitalOcean's limit on a droplet's user-data, in bytes (API reference, `POST /v2/droplets`)."""

DIRECTORY = "/usr/local/lib/tenantry"
FIRST_BOOT = f"{DIRECTORY}/first-boot"


class UserDataTooLargeError(Exception):
    """A host's user-data is over DigitalOcean's limit."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file on the host, root's. A `mode` without rights for others is for contents that hold a secret."""

    path: str
    content: str = field(repr=False)
    mode: str = "0644"

    def as_cloud_config(self) -> dict[str, str]:
        return {"path": self.path, "permissions": self.mode, "content": self.content}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A few lines of POSIX shell, run as root under `set -eu`; `name` is what a failure is reported by."""

    name: str
    script: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one concern of a host adds to its cloud-config."""

    files: tuple[File, ...] = ()
    steps: tuple[Step, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


def compose(parts: Iterable[Part]) -> str:
    """The `#cloud-config` document of the parts, their files and steps in the order given.

    Raises UserDataTooLargeError; ValueError when two parts claim one path or one key.
    """
    parts = tuple(parts)
    config: dict[str, Any] = {}
    for part in parts:
        if twice := config.keys() & part.config.keys():
            msg = f"two parts set {sorted(twice)} in one cloud-config; let one part own each key"
            raise ValueError(msg)
        config.update(part.config)
    files = [file for part in parts for file in part.files]
    files.append(File(path=FIRST_BOOT, mode="0755", content=_script(parts)))
    _refuse_duplicates([file.path for file in files])
    config["write_files"] = [file.as_cloud_config() for file in files]
    config["runcmd"] = [[FIRST_BOOT]]
    return _within_limit("#cloud-config\n" + yaml.dump(config, Dumper=_Dumper, sort_keys=True, width=1000))


def _script(parts: Iterable[Part]) -> str:
    lines = [
        "#!/bin/sh",
        "set -eu",
        "step=start",
        """trap '[ $? -eq 0 ] || echo "tenantry: first boot failed at: $step" >&2' EXIT""",
    ]
    for part in parts:
        for step in part.steps:
            lines += ["", f"step='{step.name}'", step.script.strip()]
    return "\n".join(lines) + "\n"


def _refuse_duplicates(paths: list[str]) -> None:
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        msg = f"two parts write {twice}; let one part own each path"
        raise ValueError(msg)


def _within_limit(document: str) -> str:
    size = len(document.encode())
    if size > USER_DATA_LIMIT:
        msg = (
            f"user-data is {size} bytes, DigitalOcean takes {USER_DATA_LIMIT}; use fewer or shorter ssh_keys"
        )
        raise UserDataTooLargeError(msg)
    return document


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, so that user-data can be read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
