"""Rules of managed databases and caches: where they are, what they run, and who reaches them."""

from collections.abc import Iterator, Sequence
from typing import Any

from components.flows import Endpoint, clients_of
from components.naming import tier_tag
from policies.reading import UNKNOWN, Resource, read
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
from policies.rule import (
    TEXTS,
    Config,
    Finding,
    ResourceRule,
    Rule,
    Setting,
    Severity,
    StackRule,
    Theme,
    nist,
    soc2,
)

SERVICES = (Endpoint.DATABASE, Endpoint.CACHE)

_VERSIONS = {"pg": ["16", "17", "18"], "valkey": ["8"]}


def tier_of(cluster: Resource) -> Endpoint | None:
    """The tier whose tag a cluster carries; None when it has none, both, or tags that aren't known."""
    tags = list(cluster.items("tags"))
    tiers = [tier for tier in SERVICES if tier_tag(cluster.stack, tier) in tags]
    return tiers[0] if len(tiers) == 1 and UNKNOWN not in tags else None


def _in_a_vpc(cluster: Resource, _config: Config) -> Iterator[Finding]:
    if cluster.get("privateNetworkUuid") in (None, ""):
        yield "`privateNetworkUuid` isn't given, so DigitalOcean puts it into the region's default network"


IN_A_VPC = ResourceRule(
    name="cluster-in-its-tenants-vpc",
    theme=Theme.DATA,
    title="A database or cache is in a VPC that is named.",
    why="Without one it is in the default network, beside whatever else the account has in the region.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Set `privateNetworkUuid` to the id of the tenant's VPC.",
    unknowns="accepted when the key is given: a new VPC has no id yet; see `cluster-in-this-vpc`",
    types=(DATABASE_CLUSTER, DATABASE_REPLICA),
    check=_in_a_vpc,
)


def _of_this_stack(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    for each in resources:
        if each.type in (DATABASE_CLUSTER, DATABASE_REPLICA) and not each.is_made_from(
            "privateNetworkUuid", VPC
        ):
            yield each, "`privateNetworkUuid` doesn't come from this stack's VPC"


IN_THIS_VPC = StackRule(
    name="cluster-in-this-vpc",
    theme=Theme.DATA,
    title="A database or cache is in the VPC of its own stack.",
    why="An id that is written out may be another tenant's network: its hosts would reach this one's data.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Set `privateNetworkUuid` to the `id` of the Vpc that the same program declares.",
    unknowns="judged by what the value is made from, which a preview knows",
    check=_of_this_stack,
)


def _supported(cluster: Resource, config: Config) -> Iterator[Finding]:
    if cluster.type == VECTOR_DATABASE:
        yield "it is none of the engines allowed: it has no network and no firewall of the tenant's"
        return
    engine, version = cluster.get("engine"), cluster.get("version")
    for key, value in (("engine", engine), ("version", version)):
        if value is UNKNOWN:
            yield f"`{key}` isn't known before the update: write it out"
    versions = read(config["versions"], engine) if isinstance(engine, str) else None
    if versions is None:
        if engine is not UNKNOWN:
            yield "`engine` is none of those allowed"
    elif version is not UNKNOWN and str(version) not in map(str, versions):
        yield "`version` isn't given, or is none of those allowed for its engine"


ENGINE_AND_VERSION = ResourceRule(
    name="cluster-engine-and-version",
    theme=Theme.DATA,
    title="A database or cache runs an engine and a version that are supported.",
    why="A version that gets no fixes stays open. An engine that nobody knows has no flows and no checks.",
    severity=Severity.HIGH,
    controls=(nist(5), soc2("CC7.1")),
    remediation="Write out an `engine` and a `version` that the rule's setting `versions` has.",
    unknowns="refused: both are decided in the code",
    settings={
        "versions": Setting(
            schema={
                "type": "object",
                "additionalProperties": TEXTS,
            },
            default=_VERSIONS,
            description="Versions that are allowed, by engine.",
        )
    },
    types=(DATABASE_CLUSTER, VECTOR_DATABASE),
    check=_supported,
)

_SWITCHES: dict[str, tuple[str, Sequence[Any]]] = {
    VALKEY_CONFIG: ("ssl", (None, True)),
    REDIS_CONFIG: ("ssl", (None, True)),
    DATABASE_MIGRATION: ("disableSsl", (None, False)),
    DATABASE_LOGSINK_RSYSLOG: ("tls", (True,)),
}
"""The properties by which DigitalOcean's databases speak without TLS, and the values that leave it on."""


def _tls(resource: Resource, _config: Config) -> Iterator[Finding]:
    key, safe = _SWITCHES[resource.type]
    value = resource.get(key)
    if value is UNKNOWN:
        yield f"`{key}` isn't known before the update: write it out"
    elif not any(value is each for each in safe):
        yield f"`{key}` lets it speak without TLS"


TLS_ONLY = ResourceRule(
    name="cluster-tls-only",
    theme=Theme.DATA,
    title="A database or cache speaks TLS only.",
    why="A VPC is no secret: who is in it once reads passwords and data from what passes.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.7")),
    remediation="Leave `ssl` on and `disableSsl` off, and set `tls: true` on what takes logs.",
    unknowns="refused: it is decided in the code",
    types=tuple(_SWITCHES),
    check=_tls,
)


def _own_tags(firewall: Resource, _config: Config) -> Iterator[Finding]:
    allowed = {tier_tag(firewall.stack, tier) for service in SERVICES for tier in clients_of(service)}
    rules = list(firewall.items("rules"))
    if not rules:
        yield "`rules` is empty, which admits everybody"
    for index, rule in enumerate(rules):
        kind, value = read(rule, "type"), read(rule, "value")
        if UNKNOWN in (kind, value):
            yield f"`rules[{index}]` isn't known before the update: write it out"
        elif kind != "tag":
            yield f"`rules[{index}].type` isn't `tag`"
        elif not isinstance(value, str) or value not in allowed:
            yield f"`rules[{index}].value` is no tag of a tier of this tenant that may connect"


OWN_TAGS = ResourceRule(
    name="cluster-firewall-own-tags",
    theme=Theme.DATA,
    title="A database's firewall admits tags of this tenant's tiers alone.",
    why="Trusted sources are all that keeps others of the account out, and an empty list keeps nobody out.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.6")),
    remediation="Admit by tag the tiers that the table of flows has for it (components.flows.clients_of).",
    unknowns="refused: rules are made from the tenant's name and the table of flows",
    types=(DATABASE_FIREWALL,),
    check=_own_tags,
)


def _shut(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    firewalls = [each for each in resources if each.type == DATABASE_FIREWALL]
    for cluster in (each for each in resources if each.type == DATABASE_CLUSTER):
        its = [each for each in firewalls if cluster.urn in _urns(each, "clusterId")]
        tier = tier_of(cluster)
        if len(its) != 1:
            yield cluster, f"{len(its) or 'no'} DatabaseFirewall has its `clusterId`"
        elif tier is None:
            yield cluster, "`tags` don't say whether it is the tenant's database or its cache"
        elif _admitted(its[0]) != sorted(tier_tag(cluster.stack, client) for client in clients_of(tier)):
            yield its[0], f"`rules` aren't the tags that the table of flows has for {cluster.label}"


def _urns(resource: Resource, key: str) -> list[str]:
    return [source.urn for source in resource.sources.get(key, ())]


def _admitted(firewall: Resource) -> list[str]:
    return sorted(str(read(rule, "value")) for rule in firewall.items("rules"))


HAS_A_FIREWALL = StackRule(
    name="cluster-has-a-firewall",
    theme=Theme.DATA,
    title="Each database and cache has one firewall, with just the tiers that may connect to it.",
    why="A cluster without a firewall is open to the internet, with a password alone before it.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.6")),
    remediation="Declare one DatabaseFirewall with the cluster's `id`, and rules from the table of flows.",
    unknowns="judged by what `clusterId` is made from, which a preview knows; unknown tags are refused",
    check=_shut,
)

RULES: tuple[Rule, ...] = (
    IN_A_VPC,
    IN_THIS_VPC,
    ENGINE_AND_VERSION,
    TLS_ONLY,
    OWN_TAGS,
    HAS_A_FIREWALL,
)
