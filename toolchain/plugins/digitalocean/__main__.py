"""The plugin program: `pulumi-resource-digitalocean <engine address>`."""

from toolchain.plugins.base.facts import load
from toolchain.plugins.base.server import sdk_version, serve
from toolchain.plugins.digitalocean.provider import DigitalOcean

if __name__ == "__main__":
    serve(DigitalOcean(load("digitalocean"), sdk_version("pulumi_digitalocean")))
