"""What the rules of the mesh's keys must notice, broken."""

import pulumi_tailscale as tailscale
from breakage import Breakage, setting

from policies.resource_types import TAILNET_KEY


def _names_of_everybody() -> None:
    tailscale.DnsNameservers("acme-network-nameservers", nameservers=["192.0.2.53"])


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="reusable-key",
        rule="mesh-key-one-time",
        what="a key to the mesh that works more than once",
        apply=setting(TAILNET_KEY, name="-guardrail-1", reusable=True),
    ),
    Breakage(
        name="key-for-ninety-days",
        rule="mesh-key-one-time",
        what="a key to the mesh without an expiry",
        apply=setting(TAILNET_KEY, name="-agent-", expiry=None),
    ),
    Breakage(
        name="lasting-device",
        rule="mesh-key-one-time",
        what="a host whose device stays when it is gone",
        apply=setting(TAILNET_KEY, name="-agent-", ephemeral=False),
    ),
    Breakage(
        name="key-of-the-control-plane",
        rule="mesh-key-tagged-for-its-tenant",
        what="an agent that joins the mesh as the control plane",
        apply=setting(TAILNET_KEY, name="-agent-", tags=["tag:control-plane"]),
    ),
    Breakage(
        name="key-of-another-tenant",
        rule="mesh-key-tagged-for-its-tenant",
        what="a guardrail that joins the mesh as another tenant's",
        apply=setting(TAILNET_KEY, name="-guardrail-1", tags=["tag:tenant-globex-guardrail"]),
    ),
    Breakage(
        name="names-of-everybody",
        rule="mesh-policy-in-the-platform-alone",
        what="the whole tailnet's nameservers, in a tenant's stack",
        extra=_names_of_everybody,
    ),
)
