"""The plugin program: `pulumi-resource-digitalocean <engine address>`."""

import json
from importlib import resources

from toolchain.plugins.base.facts import load
from toolchain.plugins.base.server import serve
from toolchain.plugins.digitalocean.provider import DigitalOcean


def version() -> str:
    """The version of the official plugin that the installed SDK asks for."""
    return str(
        json.loads((resources.files("pulumi_digitalocean") / "pulumi-plugin.json").read_text())["version"]
    )


if __name__ == "__main__":
    serve(DigitalOcean(load("digitalocean"), version()))
