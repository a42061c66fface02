"""The rules of clusters, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import clusters
from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_FIREWALL,
    DATABASE_LOGSINK_RSYSLOG,
    DATABASE_MIGRATION,
    DATABASE_REPLICA,
    REDIS_CONFIG,
    VALKEY_CONFIG,
    VECTOR_DATABASE,
    VPC,
)

NETWORK = Given(type=VPC, name="acme-network-vpc", props={})
DATABASE = Given(
    type=DATABASE_CLUSTER,
    name="acme-database-pg",
    props={
        "engine": "pg",
        "version": "18",
        "privateNetworkUuid": "a-vpc",
        "tags": ["tenant-acme", "tenant-acme-database"],
    },
    sources={"privateNetworkUuid": ["acme-network-vpc"]},
)
CACHE = replace(
    DATABASE.but(engine="valkey", version="8", tags=["tenant-acme", "tenant-acme-cache"]),
    name="acme-cache-valkey",
)
REPLICA = Given(type=DATABASE_REPLICA, name="acme-database-replica", props={"privateNetworkUuid": "a-vpc"})


def _tag(value: str) -> dict[str, str]:
    return {"type": "tag", "value": value}


AGENT, GUARDRAIL = _tag("tenant-acme-agent"), _tag("tenant-acme-guardrail")
FIREWALL = Given(
    type=DATABASE_FIREWALL,
    name="acme-database-firewall",
    props={"clusterId": "a-cluster", "rules": [AGENT, GUARDRAIL]},
    sources={"clusterId": ["acme-database-pg"]},
)
OF_THE_CACHE = replace(
    FIREWALL.but(rules=[AGENT]), name="acme-cache-firewall", sources={"clusterId": ["acme-cache-valkey"]}
)
VALKEY = Given(type=VALKEY_CONFIG, name="acme-cache-config", props={})
LOGS = Given(type=DATABASE_LOGSINK_RSYSLOG, name="acme-database-logs", props={"tls": True})
MIGRATION = Given(type=DATABASE_MIGRATION, name="acme-database-migration", props={})

CASES: tuple[Case, ...] = (
    Case(
        rule=clusters.IN_A_VPC,
        passes=(DATABASE, CACHE, REPLICA),
        violates=(
            DATABASE.but(privateNetworkUuid=None),
            DATABASE.but(privateNetworkUuid=""),
            REPLICA.but(privateNetworkUuid=None),
        ),
        unknown=((DATABASE.but(privateNetworkUuid=UNKNOWN), True),),
    ),
    Case(
        rule=clusters.IN_THIS_VPC,
        passes=([NETWORK, DATABASE, CACHE], [NETWORK]),
        violates=(
            [NETWORK, replace(DATABASE, sources={})],
            [NETWORK, REPLICA],
            [NETWORK, DATABASE, replace(CACHE, sources={"privateNetworkUuid": ["acme-database-pg"]})],
        ),
        unknown=(
            ([NETWORK, DATABASE.but(privateNetworkUuid=UNKNOWN)], True),
            ([NETWORK, replace(DATABASE.but(privateNetworkUuid=UNKNOWN), sources={})], False),
        ),
    ),
    Case(
        rule=clusters.ENGINE_AND_VERSION,
        passes=(DATABASE, CACHE, DATABASE.but(version="16")),
        violates=(
            DATABASE.but(engine="mysql", version="8"),
            DATABASE.but(engine=None),
            DATABASE.but(version="13"),
            DATABASE.but(version=None),
            CACHE.but(version="7"),
            CACHE.but(engine="redis", version="7"),
            Given(type=VECTOR_DATABASE, name="acme-database-vector", props={}),
        ),
        unknown=((DATABASE.but(version=UNKNOWN), False), (DATABASE.but(engine=UNKNOWN), False)),
    ),
    Case(
        rule=clusters.TLS_ONLY,
        passes=(VALKEY, VALKEY.but(ssl=True), LOGS, MIGRATION, MIGRATION.but(disableSsl=False)),
        violates=(
            VALKEY.but(ssl=False),
            Given(type=REDIS_CONFIG, name="acme-cache-config", props={"ssl": False}),
            LOGS.but(tls=None),
            MIGRATION.but(disableSsl=True),
        ),
        unknown=((VALKEY.but(ssl=UNKNOWN), False),),
    ),
    Case(
        rule=clusters.OWN_TAGS,
        passes=(FIREWALL, OF_THE_CACHE),
        violates=(
            FIREWALL.but(rules=[]),
            FIREWALL.but(rules=None),
            FIREWALL.but(rules=[AGENT, _tag("tenant-globex-agent")]),
            FIREWALL.but(rules=[_tag("tenant-acme")]),
            FIREWALL.but(rules=[_tag("tenant-acme-database")]),
            FIREWALL.but(rules=[{"type": "ip_addr", "value": "10.32.0.0/24"}]),
            FIREWALL.but(rules=[AGENT, {"type": "droplet", "value": "tenant-acme-agent"}]),
            FIREWALL.but(rules=[{"type": "tag", "value": ["tenant-acme-agent"]}]),
        ),
        unknown=(
            (FIREWALL.but(rules=UNKNOWN), False),
            (FIREWALL.but(rules=[AGENT, UNKNOWN]), False),
            (FIREWALL.but(rules=[{"type": "tag", "value": UNKNOWN}]), False),
            (FIREWALL.but(clusterId=UNKNOWN), True),
        ),
    ),
    Case(
        rule=clusters.HAS_A_FIREWALL,
        passes=([NETWORK, DATABASE, CACHE, FIREWALL, OF_THE_CACHE], [NETWORK]),
        violates=(
            [NETWORK, DATABASE],
            [NETWORK, DATABASE, CACHE, FIREWALL],
            [NETWORK, DATABASE, replace(FIREWALL, sources={})],
            [NETWORK, DATABASE, FIREWALL, replace(FIREWALL, name="acme-database-another")],
            [NETWORK, DATABASE, FIREWALL.but(rules=[AGENT])],
            [NETWORK, CACHE, OF_THE_CACHE.but(rules=[AGENT, GUARDRAIL])],
            [NETWORK, DATABASE.but(tags=["tenant-acme"]), FIREWALL],
        ),
        unknown=(
            ([NETWORK, DATABASE, FIREWALL.but(clusterId=UNKNOWN)], True),
            ([NETWORK, DATABASE, FIREWALL.but(rules=UNKNOWN)], False),
            ([NETWORK, DATABASE.but(tags=UNKNOWN), FIREWALL], False),
        ),
    ),
)
