"""The mesh's programs by the recipes: Tailscale's daemon and command, and the coordination server headscale.

Tailscale's own packages come from a host of its own, not from a registry, so its programs are compiled
from their Go module, without what a server has no use for.
"""

from __future__ import annotations

from pathlib import Path

from toolchain import golang
from toolchain.cache import Recipe
from toolchain.workshop import RECIPES, Workshop

VERSION = "1.104.5"
HEADSCALE_VERSION = "0.26.1"

TAILSCALE_PACKAGE = "tailscale.com/cmd/tailscaled"
HEADSCALE_PACKAGE = "github.com/juanfont/headscale/cmd/headscale"

OMITTED = (
    *("netstack", "gro", "ssh", "kube", "aws", "completion", "webclient", "tap", "bird", "drive", "taildrop"),
    *("serve", "acme", "desktop_sessions", "systray", "tpm", "capture", "relayserver"),
)
"""Parts left out: with netstack goes a module of gVisor whose version no registry serves."""

TAILSCALE_FLAGS = (
    f"-tags={','.join([*(f'ts_omit_{part}' for part in OMITTED), 'ts_include_cli'])}",
    "-ldflags=-s -w "
    + " ".join(f"-X tailscale.com/version.{stamp}={VERSION}" for stamp in ("shortStamp", "longStamp")),
)
HEADSCALE_FLAGS = (
    f"-ldflags=-s -w -X github.com/juanfont/headscale/hscontrol/types.Version={HEADSCALE_VERSION}",
)

TAILSCALE = Recipe(
    name="tailscale",
    version=VERSION,
    folder=RECIPES / "tailscale",
    inputs=(golang.GO.key, TAILSCALE_PACKAGE, *TAILSCALE_FLAGS),
)
HEADSCALE = Recipe(
    name="headscale",
    version=HEADSCALE_VERSION,
    folder=RECIPES / "headscale",
    inputs=(golang.GO.key, HEADSCALE_PACKAGE, *HEADSCALE_FLAGS),
)


def make_tailscale(workshop: Workshop) -> Path:
    """The folder with `tailscaled` and with `tailscale`, the name that makes it the command."""

    def build(target: Path) -> None:
        go = golang.make_go(workshop)
        output = target / "tailscaled"
        with workshop.lock(golang.WORK):
            golang.compile_program(
                TAILSCALE, TAILSCALE_PACKAGE, TAILSCALE_FLAGS, output, go=go, workshop=workshop
            )
        (target / "tailscale").symlink_to(output.name)

    return workshop.make(TAILSCALE, build)


def make_headscale(workshop: Workshop) -> Path:
    """The program `headscale`."""

    def build(target: Path) -> None:
        go = golang.make_go(workshop)
        output = target / "headscale"
        with workshop.lock(golang.WORK):
            golang.compile_program(
                HEADSCALE, HEADSCALE_PACKAGE, HEADSCALE_FLAGS, output, go=go, workshop=workshop
            )

    return workshop.make(HEADSCALE, build) / "headscale"
