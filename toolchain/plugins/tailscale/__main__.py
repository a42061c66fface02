"""The plugin program: `pulumi-resource-tailscale <engine address>`."""

from toolchain.plugins.base.facts import load
from toolchain.plugins.base.server import sdk_version, serve
from toolchain.plugins.tailscale.provider import Tailscale

if __name__ == "__main__":
    serve(Tailscale(load("tailscale"), sdk_version("pulumi_tailscale")))
