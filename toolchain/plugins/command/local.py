"""Commands on this machine: the resource, and the function that runs one at every preview and update."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolchain.plugins.base.assets import archive_of
from toolchain.plugins.base.values import Properties
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.command import globs, processes
from toolchain.plugins.command.lifecycle import CommandResource
from toolchain.plugins.command.outputs import Output, Written

SHELL = ("/bin/sh", "-c")


class LocalCommand(CommandResource):
    token = "command:local:Command"

    def run(self, command: str, inputs: Mapping[str, Any], previous: Written) -> Properties:
        return run(command, inputs, previous, self.output(inputs), self.waiter)


def run(
    command: str, inputs: Mapping[str, Any], previous: Written, output: Output, waiter: Waiter
) -> Properties:
    """Run a command as the inputs say. The answer: its streams, and the files that they ask for."""
    folder = Path(inputs.get("dir") or Path.cwd())
    processes.run(
        (*(inputs.get("interpreter") or SHELL), command),
        folder=folder,
        environment={**os.environ, **(inputs.get("environment") or {}), **previous.environment},
        stdin=inputs.get("stdin") or "",
        output=output,
        waiter=waiter,
    )
    written = output.written()
    return {"stdout": written.stdout, "stderr": written.stderr, **_files(folder, inputs)}


def _files(folder: Path, inputs: Mapping[str, Any]) -> Properties:
    found: Properties = {}
    if "assetPaths" in inputs:
        found["assets"] = globs.assets(folder, inputs["assetPaths"])
    if "archivePaths" in inputs:
        found["archive"] = archive_of(globs.assets(folder, inputs["archivePaths"]))
    return found
