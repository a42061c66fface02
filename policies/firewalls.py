"""Rules of cloud firewalls: whom they are for, whom they admit, and what they let out.

Judged in every stack: a firewall's tags reach droplets of whatever stack, and admitting is the sum of all.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from components.flows import HOST_TIERS, OVER_THE_MESH, Endpoint, rules_of
from components.flows import Rule as Permitted
from components.naming import tier_tag
from policies.addresses import Network, is_private, is_wide, network
from policies.network import SHORTEST_PREFIX
from policies.reading import UNKNOWN, Resource, elements, read
from policies.resource_types import DROPLET, FIREWALL
from policies.rule import (
    Config,
    Finding,
    ResourceRule,
    Rule,
    Setting,
    Severity,
    StackRule,
    Theme,
    cis,
    nist,
    soc2,
)
from policies.tags import own_tags, tiers_of

_SIDES = (("inboundRules", "inbound", "source"), ("outboundRules", "outbound", "destination"))
_NO_TAGS = ("DropletIds", "LoadBalancerUids", "KubernetesIds")


def _given(value: Any) -> list[Any]:
    """What a list holds; a provider's state has empty ones where a program has none."""
    return list(elements(value))


def _nobody_by_address(firewall: Resource, _config: Config) -> Iterator[Finding]:
    own = own_tags(firewall.stack)
    for number, rule in enumerate(firewall.items("inboundRules")):
        where = f"`inboundRules[{number}]"
        if rule is UNKNOWN:
            yield f"{where}` isn't known before the update: write it out"
            continue
        for key in ("Addresses", *_NO_TAGS):
            if _given(read(rule, f"source{key}")):
                yield f"{where}.source{key}` admits what no tag of this tenant is on"
        tags = _given(read(rule, "sourceTags"))
        if not tags or not all(isinstance(tag, str) and tag in own for tag in tags):
            yield f"{where}.sourceTags` aren't tags of this tenant's tiers, written out"


ADMITS_NOBODY_BY_ADDRESS = ResourceRule(
    name="firewall-admits-nobody-by-address",
    theme=Theme.NETWORK,
    title="A cloud firewall admits hosts by this tenant's tags, and nobody by an address.",
    why="An address is no identity: a range admits whoever gets one in it, and 0.0.0.0/0 or ::/0 the world.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.6")),
    remediation="Admit by `sourceTags` alone, as components.network does it from the table of flows.",
    unknowns="refused: tags, and rules, are decided in the code",
    types=(FIREWALL,),
    check=_nobody_by_address,
)


def _from_the_table(firewall: Resource, config: Config) -> Iterator[Finding]:
    tier = _target(firewall)
    if tier is None:
        yield "`tags` don't say which tier's flows it is for"
        return
    for side, direction, end in _SIDES:
        permitted = [
            rule for rule in rules_of(tier) if rule.direction == direction and rule.peer not in OVER_THE_MESH
        ]
        for number, rule in enumerate(firewall.items(side)):
            if not any(_is(rule, end, each, firewall.stack, config) for each in permitted):
                yield f"`{side}[{number}]` is no flow of the table, or isn't written out"


def _target(firewall: Resource) -> Endpoint | None:
    tags = list(firewall.items("tags"))
    tiers = [tier for tier in HOST_TIERS if tags == [tier_tag(firewall.stack, tier)]]
    return tiers[0] if tiers else None


def _is(rule: Any, end: str, permitted: Permitted, tenant: str, config: Config) -> bool:
    if read(rule, "protocol") != permitted.port.protocol:
        return False
    if str(read(rule, "portRange")) != str(permitted.port.number):
        return False
    if any(_given(read(rule, f"{end}{key}")) for key in _NO_TAGS):
        return False
    tags, addresses = _given(read(rule, f"{end}Tags")), _given(read(rule, f"{end}Addresses"))
    if permitted.peer in HOST_TIERS:
        return not addresses and tags == [tier_tag(tenant, permitted.peer)]
    return not tags and bool(addresses) and all(_reaches(permitted.peer, each, config) for each in addresses)


def _reaches(peer: Endpoint, address: Any, config: Config) -> bool:
    """Whether an address may be written for an end of the table that no tag is for."""
    block = network(address)
    if block is None:
        return False
    if peer in (Endpoint.DATABASE, Endpoint.CACHE):
        return is_private(block) and bool(block.prefixlen >= config["shortest_prefix"])
    if peer is Endpoint.MODEL_APIS:
        return block.prefixlen == 0
    return block.version == 4 and not is_private(block) and bool(block.prefixlen >= config["mesh_prefix"])


RULES_FROM_THE_TABLE = ResourceRule(
    name="firewall-rules-from-the-table",
    theme=Theme.NETWORK,
    title="What a cloud firewall lets in or out is a row of the table of flows.",
    why="Whatever else is open is open for whoever takes over a host.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.6")),
    remediation=(
        "Write one rule a row of docs/flows.md: its protocol, its one port, and its end; a tier of hosts by "
        "its tag, the database and the cache by the VPC's range, the mesh by addresses of its own."
    ),
    unknowns="refused: protocols, ports and ends are decided in the code",
    settings={
        **SHORTEST_PREFIX,
        "mesh_prefix": Setting(
            schema={"type": "integer", "minimum": 8, "maximum": 32},
            default=24,
            description="The prefix length of the largest range of the mesh's servers and peers.",
        ),
    },
    types=(FIREWALL,),
    check=_from_the_table,
)


def _no_way_out(firewall: Resource, _config: Config) -> Iterator[Finding]:
    if _target(firewall) is Endpoint.GUARDRAIL:
        return
    for number, rule in enumerate(firewall.items("outboundRules")):
        for address in _given(read(rule, "destinationAddresses")):
            block = network(address)
            if address is UNKNOWN or block is None or _is_world(block):
                yield f"`outboundRules[{number}].destinationAddresses` may let it out into the world"


def _is_world(block: Network) -> bool:
    """No agent needs IPv6, which has many names for an address of IPv4."""
    return block.version == 6 or (is_wide(block) and not is_private(block))


LEAVE_THROUGH_THE_GUARDRAIL = ResourceRule(
    name="agents-leave-through-the-guardrail",
    theme=Theme.NETWORK,
    title="An agent's only way out is the guardrail.",
    why="What an agent sends past the guardrail is seen by nobody: data, keys, and orders that come back.",
    severity=Severity.CRITICAL,
    controls=(nist(3), nist(6), soc2("CC6.7")),
    remediation="Let agents out to the guardrail's tag alone; 0.0.0.0/0 and ::/0 are the guardrail's.",
    unknowns="refused: where a firewall lets traffic out is decided in the code",
    types=(FIREWALL,),
    check=_no_way_out,
)


def _one_tier(firewall: Resource, _config: Config) -> Iterator[Finding]:
    if _target(firewall) is None:
        yield "`tags` aren't just the tag of one tier of this tenant's hosts, written out"
    if _given(firewall.get("dropletIds")):
        yield "`dropletIds` name droplets: a new one would be up without it"


TARGETS_ONE_TIER = ResourceRule(
    name="firewall-targets-one-tier",
    theme=Theme.NETWORK,
    title="A cloud firewall is for the tag of one tier of this tenant's hosts.",
    why=(
        "By tag, a droplet has its firewall before it boots. A firewall for two tiers, or for the whole "
        "tenant, gives each of them what only the other needs."
    ),
    severity=Severity.HIGH,
    controls=(nist(3), soc2("CC6.6")),
    remediation="Set `tags` to the one tag `tenant-<tenant>-<tier>`, and leave `dropletIds` out.",
    unknowns="refused: tags are decided in the code",
    types=(FIREWALL,),
    check=_one_tier,
)


def _behind_firewalls(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    walled = {_target(each) for each in resources if each.type == FIREWALL}
    for droplet in resources:
        if droplet.type != DROPLET or not droplet.is_of_a_tenant:
            continue
        tiers = tiers_of(droplet)
        if tiers is None:
            yield droplet, "`tags` aren't known before the update: write them out"
        elif len(tiers) != 1 or tiers[0] not in HOST_TIERS:
            yield droplet, "`tags` aren't those of just one tier of hosts"
        elif tiers[0] not in walled:
            yield droplet, "its tier has no cloud firewall in this stack"


TIER_HAS_A_FIREWALL = StackRule(
    name="tier-has-a-firewall",
    theme=Theme.NETWORK,
    title="Every droplet is of one tier, and every tier of droplets has a cloud firewall.",
    why="A droplet that no firewall is for is open to its network; one of two tiers has the rights of both.",
    severity=Severity.CRITICAL,
    controls=(cis("2.2"), cis("2.3"), nist(3), soc2("CC6.6")),
    remediation="Tag the droplet for one tier, and declare that tier's firewall in the same stack.",
    unknowns="refused: tags are decided in the code",
    check=_behind_firewalls,
)

RULES: tuple[Rule, ...] = (
    ADMITS_NOBODY_BY_ADDRESS,
    RULES_FROM_THE_TABLE,
    LEAVE_THROUGH_THE_GUARDRAIL,
    TARGETS_ONE_TIER,
    TIER_HAS_A_FIREWALL,
)
