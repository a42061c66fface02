"""Hosts, broken."""

import pulumi_digitalocean as digitalocean
from breakage import Breakage, setting

from policies.resource_types import DROPLET


def _bare_droplet() -> None:
    """On its own, and otherwise as HardenedHost makes one."""
    digitalocean.Droplet(
        "acme-guardrail-bare",
        region="nyc3",
        size="s-1vcpu-1gb",
        image="debian-12-x64",
        public_networking=False,
        ipv6=False,
        monitoring=True,
        droplet_agent=False,
        tags=["tenant-acme", "tenant-acme-guardrail"],
    )


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="other-image",
        rule="droplet-image-allowed",
        what="a guardrail of another distribution",
        apply=setting(DROPLET, name="-guardrail-1", image="ubuntu-24-04-x64"),
    ),
    Breakage(
        name="gpu",
        rule="droplet-size-allowed",
        what="an agent with eight GPUs",
        apply=setting(DROPLET, name="-agent-", size="gpu-h100x8-640gb"),
    ),
    Breakage(
        name="account-keys",
        rule="droplet-without-account-keys",
        what="a guardrail with a key of DigitalOcean's account, for root",
        apply=setting(DROPLET, name="-guardrail-1", ssh_keys=["512190"]),
    ),
    Breakage(
        name="console-agent",
        rule="droplet-without-account-keys",
        what="a guardrail with the agent of the web console",
        apply=setting(DROPLET, name="-guardrail-1", droplet_agent=True),
    ),
    Breakage(
        name="bare-droplet",
        rule="droplet-is-a-hardened-host",
        what="a droplet without user-data, made by no component",
        extra=_bare_droplet,
    ),
    Breakage(
        name="unmonitored",
        rule="droplet-monitoring",
        what="a guardrail that isn't monitored",
        apply=setting(DROPLET, name="-guardrail-1", monitoring=False),
    ),
)
