"""Rules of the network: what can be reached from where."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.addresses import Network, is_private, network
from policies.reading import UNKNOWN, Resource
from policies.resource_types import DROPLET, VPC
from policies.rule import Config, Finding, ResourceRule, Rule, Setting, Severity, StackRule, Theme, nist, soc2

SHORTEST_PREFIX: Mapping[str, Setting] = {
    "shortest_prefix": Setting(
        schema={"type": "integer", "minimum": 16, "maximum": 28},
        default=24,
        description="The prefix length of the largest range that a tenant may have.",
    )
}


def _public_interface(droplet: Resource, _config: Config) -> Iterator[Finding]:
    for key in ("publicNetworking", "ipv6"):
        value = droplet.get(key)
        if value is UNKNOWN:
            yield f"`{key}` isn't known before the update: write it out"
        elif value or (value is None and key == "publicNetworking"):
            yield f"`{key}` gives it a public interface: set it to false"


NO_PUBLIC_INTERFACE = ResourceRule(
    name="droplet-no-public-interface",
    theme=Theme.NETWORK,
    title="A droplet has no public interface.",
    why="The mesh is the only way in. An address on the internet is a second one, for everybody.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Set `publicNetworking: false` and leave `ipv6` off; the way out is the VPC's NAT gateway.",
    unknowns="refused: both are decided in the code",
    types=(DROPLET,),
    check=_public_interface,
)


def _in_a_vpc(droplet: Resource, _config: Config) -> Iterator[Finding]:
    if droplet.get("vpcUuid") in (None, ""):
        yield "`vpcUuid` isn't given, so DigitalOcean puts it into the region's default network"


NAMES_A_VPC = ResourceRule(
    name="droplet-names-a-vpc",
    theme=Theme.NETWORK,
    title="A droplet is in a VPC that is named.",
    why="Without one it is in the default network, beside whatever else the account has in the region.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Set `vpcUuid` to the id of the tenant's VPC.",
    unknowns="accepted when the key is given: a new VPC has no id; see `droplet-in-its-tenants-vpc`",
    types=(DROPLET,),
    check=_in_a_vpc,
)


def _of_this_stack(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    for each in resources:
        if each.type == DROPLET and not each.is_made_from("vpcUuid", VPC):
            yield each, "`vpcUuid` doesn't come from this stack's VPC"


IN_ITS_TENANTS_VPC = StackRule(
    name="droplet-in-its-tenants-vpc",
    theme=Theme.NETWORK,
    title="A droplet is in the VPC of its own stack.",
    why="An id that is written out may be another tenant's network, and puts a host of this one into it.",
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Set `vpcUuid` to the `id` of the Vpc that the same program declares.",
    unknowns="judged by what the value is made from, which a preview knows",
    check=_of_this_stack,
)


def _range(vpc: Resource, config: Config) -> Iterator[Finding]:
    value = vpc.get("ipRange")
    block = network(value)
    if value is UNKNOWN:
        yield "`ipRange` isn't known before the update: write it out"
    elif value is None:
        yield "`ipRange` isn't given, so DigitalOcean chooses one"
    elif block is None or not is_private(block):
        yield "`ipRange` is no private IPv4 range (RFC 1918)"
    elif block.prefixlen < config["shortest_prefix"]:
        yield "`ipRange` is larger than a tenant may have"


RANGE_PRIVATE_AND_SMALL = ResourceRule(
    name="vpc-range-private-and-small",
    theme=Theme.NETWORK,
    title="A VPC's range is private, and a /24 or smaller.",
    why=(
        "Ranges never move. One that is somebody's on the internet cuts the tenant off from them, and a "
        "large one leaves less for the tenants to come."
    ),
    severity=Severity.MEDIUM,
    controls=(nist(2), soc2("CC6.6")),
    remediation="Write a range that `python -m stacks.allocate TENANT` gives.",
    unknowns="refused: it is written in the spec or in addresses.yaml",
    settings=SHORTEST_PREFIX,
    types=(VPC,),
    check=_range,
)


def _apart(resources: Sequence[Resource], config: Config) -> Iterator[tuple[Resource, Finding]]:
    vpcs = [each for each in resources if each.type == VPC]
    for each in vpcs[1:]:
        yield each, "it is a second VPC: a stack has one, so that all of a tenant is behind the same walls"
    for each in vpcs:
        block = network(each.get("ipRange"))
        if block is None:
            yield each, "`ipRange` isn't known, or is no range, so nobody can tell what it overlaps"
            continue
        if each.is_of_a_tenant and each.stack not in config["ranges"]:
            yield each, "the rule's setting `ranges` lacks this tenant's, so nobody can tell what is others'"
        for tenant in _not_apart(each.stack, block, config["ranges"]):
            yield each, f"`ipRange` overlaps the range of {tenant!r}"


def _not_apart(tenant: str, block: Network, ranges: Mapping[str, Any]) -> Iterator[str]:
    """The others whose ranges it overlaps; a range that can't be read might be any."""
    for other, value in ranges.items():
        theirs = network(value)
        if other != tenant and (
            theirs is None or (theirs.version == block.version and theirs.overlaps(block))
        ):
            yield other


RANGES_APART = StackRule(
    name="vpc-ranges-apart",
    theme=Theme.NETWORK,
    title="A stack has one VPC, whose range overlaps no other tenant's.",
    why="Equal addresses are one typing error away from being each other's: in a rule, a log, a known host.",
    severity=Severity.HIGH,
    controls=(nist(2), soc2("CC6.1")),
    remediation="Declare one VPC, with the range that `python -m stacks.allocate TENANT` gives.",
    unknowns="refused: the range is written in the spec or in addresses.yaml",
    settings={
        "ranges": Setting(
            schema={"type": "object", "additionalProperties": {"type": "string"}},
            default={},
            description="Every tenant's range, by tenant; stacks put addresses.yaml's and specs' here.",
        )
    },
    check=_apart,
)

RULES: tuple[Rule, ...] = (
    NO_PUBLIC_INTERFACE,
    NAMES_A_VPC,
    IN_ITS_TENANTS_VPC,
    RANGE_PRIVATE_AND_SMALL,
    RANGES_APART,
)
