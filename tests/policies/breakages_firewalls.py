"""Cloud firewalls, broken."""

from typing import Any

from breakage import Breakage, Props, changing, replacing, setting

from components.flows import Endpoint
from components.network import TenantNetwork
from policies.resource_types import DROPLET, FIREWALL

WORLD = ["0.0.0.0/0", "::/0"]
_firewall = TenantNetwork._firewall


def _admitting(**sources: Any) -> Any:
    rule = {"protocol": "tcp", "port_range": "8443", **sources}
    return setting(FIREWALL, name="-guardrail", inbound_rules=[rule])


def _with_another(**rule: Any) -> Any:
    def change(props: Props) -> None:
        props["outbound_rules"] = [*props["outbound_rules"], rule]

    return change


def _the_guardrails_alone(network: TenantNetwork, tier: Endpoint) -> Any:
    """For agents, the network itself, which has an id too: nothing but that they have no firewall."""
    return _firewall(network, tier) if tier is Endpoint.GUARDRAIL else _Nothing(network)


class _Nothing:
    def __init__(self, network: TenantNetwork) -> None:
        self.id = network.vpc_id


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="admits-the-world",
        rule="firewall-admits-nobody-by-address",
        what="a firewall that admits the world",
        apply=_admitting(source_addresses=WORLD),
    ),
    Breakage(
        name="admits-the-world-v6",
        rule="firewall-admits-nobody-by-address",
        what="a firewall that admits the world of IPv6",
        apply=_admitting(source_addresses=["::/0"]),
    ),
    Breakage(
        name="admits-private-networks",
        rule="firewall-admits-nobody-by-address",
        what="a firewall that admits a range wider than the tenant's",
        apply=_admitting(source_addresses=["10.0.0.0/8"]),
    ),
    Breakage(
        name="admits-another-tenant",
        rule="firewall-admits-nobody-by-address",
        what="a firewall that admits another tenant's agents",
        apply=_admitting(source_tags=["tenant-acme-agent", "tenant-globex-agent"]),
    ),
    Breakage(
        name="ssh-inside",
        rule="firewall-rules-from-the-table",
        what="a firewall that admits agents to SSH",
        apply=setting(
            FIREWALL,
            name="-guardrail",
            inbound_rules=[{"protocol": "tcp", "port_range": "22", "source_tags": ["tenant-acme-agent"]}],
        ),
    ),
    Breakage(
        name="ping",
        rule="firewall-rules-from-the-table",
        what="a firewall that lets agents ping each other",
        apply=changing(
            FIREWALL, _with_another(protocol="icmp", destination_tags=["tenant-acme-agent"]), name="-agent"
        ),
    ),
    Breakage(
        name="agents-past-the-guardrail",
        rule="agents-leave-through-the-guardrail",
        what="agents that reach the internet by themselves",
        apply=changing(
            FIREWALL,
            _with_another(protocol="tcp", port_range="443", destination_addresses=WORLD),
            name="-agent",
        ),
    ),
    Breakage(
        name="firewall-for-two-tiers",
        rule="firewall-targets-one-tier",
        what="a guardrail's firewall that is for agents too",
        apply=setting(FIREWALL, name="-guardrail", tags=["tenant-acme-guardrail", "tenant-acme-agent"]),
    ),
    Breakage(
        name="firewall-by-droplet",
        rule="firewall-targets-one-tier",
        what="a firewall that is for a droplet by its id",
        apply=setting(FIREWALL, name="-guardrail", droplet_ids=[3164444]),
    ),
    Breakage(
        name="no-firewall",
        rule="tier-has-a-firewall",
        what="agents without a firewall",
        apply=replacing("components.network.TenantNetwork._firewall", _the_guardrails_alone),
    ),
    Breakage(
        name="host-of-two-tiers",
        rule="tier-has-a-firewall",
        what="agents that are tagged as guardrails too",
        apply=setting(
            DROPLET, name="-agent-", tags=["tenant-acme", "tenant-acme-agent", "tenant-acme-guardrail"]
        ),
    ),
)
