"""A stack with something that no rule is about."""

import pulumi_digitalocean as digitalocean
from breakage import Breakage


def _key() -> None:
    """Public, and of nobody: just its form is right."""
    digitalocean.SshKey(
        "acme-network-key",
        name="acme-network-key",
        public_key=f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43}",
    )


def _check() -> None:
    digitalocean.UptimeCheck(
        "platform-check",
        name="platform-check",
        type="https",
        target="https://example.com",
        regions=["us_east"],
    )


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="unknown-type",
        rule="resource-type-known",
        what="a key of the account's, in a tenant's stack",
        extra=_key,
    ),
    Breakage(
        name="unknown-type-of-the-platform",
        rule="resource-type-known",
        what="a check of DigitalOcean's in the stack platform",
        extra=_check,
        stack="platform",
    ),
)
