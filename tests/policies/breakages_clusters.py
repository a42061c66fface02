"""Databases and caches, broken."""

import pulumi_digitalocean as digitalocean
from breakage import Breakage, Props, changing, setting

from policies.resource_types import DATABASE_CLUSTER, DATABASE_FIREWALL

ANOTHER_ID = "6a1d5b58-0000-4000-8000-000000000000"
AGENTS = {"type": "tag", "value": "tenant-acme-agent"}


def _plaintext_cache() -> None:
    digitalocean.DatabaseValkeyConfig("acme-cache-config", cluster_id=ANOTHER_ID, ssl=False)


def _without_network(props: Props) -> None:
    props.pop("private_network_uuid")


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="database-without-vpc",
        rule="cluster-in-its-tenants-vpc",
        what="a database in the region's default network",
        apply=changing(DATABASE_CLUSTER, _without_network, name="-database-"),
    ),
    Breakage(
        name="database-in-another-vpc",
        rule="cluster-in-this-vpc",
        what="a database in a network that isn't the stack's",
        apply=setting(DATABASE_CLUSTER, name="-database-", private_network_uuid=ANOTHER_ID),
    ),
    Breakage(
        name="old-database",
        rule="cluster-engine-and-version",
        what="a database of a version that gets no fixes",
        apply=setting(DATABASE_CLUSTER, name="-database-", version="13"),
    ),
    Breakage(
        name="plaintext-cache",
        rule="cluster-tls-only",
        what="a cache that speaks without TLS",
        extra=_plaintext_cache,
    ),
    Breakage(
        name="database-admits-addresses",
        rule="cluster-firewall-own-tags",
        what="a database that admits every address",
        apply=setting(
            DATABASE_FIREWALL, name="-database-", rules=[{"type": "ip_addr", "value": "0.0.0.0/0"}]
        ),
    ),
    Breakage(
        name="database-admits-another-tenant",
        rule="cluster-firewall-own-tags",
        what="a database that admits another tenant's agents",
        apply=setting(
            DATABASE_FIREWALL,
            name="-database-",
            rules=[AGENTS, {"type": "tag", "value": "tenant-globex-agent"}],
        ),
    ),
    Breakage(
        name="database-admits-everybody",
        rule="cluster-firewall-own-tags",
        what="a database whose list of trusted sources is empty",
        apply=setting(DATABASE_FIREWALL, name="-database-", rules=[]),
    ),
    Breakage(
        name="cluster-without-firewall",
        rule="cluster-has-a-firewall",
        what="a cache without a firewall",
        apply=setting(DATABASE_FIREWALL, name="-cache-", cluster_id=ANOTHER_ID),
    ),
    Breakage(
        name="cache-admits-guardrail",
        rule="cluster-has-a-firewall",
        what="a cache that admits a tier which the table of flows doesn't have for it",
        apply=setting(
            DATABASE_FIREWALL,
            name="-cache-",
            rules=[AGENTS, {"type": "tag", "value": "tenant-acme-guardrail"}],
        ),
    ),
)
