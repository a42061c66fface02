"""Rules of tenancy: what shows whose a resource is, and how much a tenant may have of anything."""

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, cast

from components.flows import Endpoint
from components.naming import ROLES, tenant_tag
from policies.reading import UNKNOWN, Resource
from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_CONNECTION_POOL,
    DATABASE_DB,
    DATABASE_REPLICA,
    DATABASE_USER,
    DROPLET,
    FIREWALL,
    PROJECT,
    TAG,
    VOLUME,
    VOLUME_SNAPSHOT,
    VPC,
    VPC_NAT_GATEWAY,
)
from policies.rule import Config, Finding, ResourceRule, Rule, Setting, Severity, StackRule, Theme, nist, soc2
from policies.tags import own_tags, tiers_of

TAGGABLE = (DROPLET, DATABASE_CLUSTER, DATABASE_REPLICA, VOLUME, VOLUME_SNAPSHOT)
"""A firewall's tags are whom it is for, and a monitor alert's whom it watches."""

_INSIDE_A_CLUSTER = (DATABASE_DB, DATABASE_USER, DATABASE_CONNECTION_POOL)
_NAMED = (DROPLET, DATABASE_CLUSTER, DATABASE_REPLICA, VOLUME, VPC, VPC_NAT_GATEWAY, FIREWALL, PROJECT, TAG)
_WRITE_OUT = "isn't known before the update: write it out"


def _tagged(resource: Resource, _config: Config) -> Iterator[Finding]:
    if not resource.is_of_a_tenant:
        return
    tags = list(resource.items("tags"))
    if tenant_tag(resource.stack) in tags:
        return
    yield f"`tags` {_WRITE_OUT}" if UNKNOWN in tags else "`tags` lack the tenant's"


def _with_the_tenants_tag(resource: Resource) -> Mapping[str, Any] | None:
    """The very properties that the SDK handed out, changed: a copy would lose which of them are secret.

    The SDK shows unknown values to a remediation as the texts that stand for them.
    """
    tags = resource.get("tags")
    listed = isinstance(tags, Sequence) and not isinstance(tags, str)
    if not resource.is_of_a_tenant or not (listed or tags is None):
        return None
    tag = tenant_tag(resource.stack)
    if tags and tag in tags:
        return None
    props = cast("MutableMapping[str, Any]", resource.props)
    props["tags"] = [*_raw(tags or ()), tag]
    return props


def _raw(tags: Any) -> Sequence[Any]:
    """What is behind the SDK's proxy, by the key that the SDK itself takes: secrets that are still marked."""
    return cast("Sequence[Any]", tags if isinstance(tags, list | tuple) else tags["__target"])


TENANT_TAG = ResourceRule(
    name="tenant-tag",
    theme=Theme.TENANCY,
    title="Everything that can carry a tag carries its tenant's.",
    why=(
        "By the tag, what an interrupted update left behind is found, billed and deleted; without it, it is "
        "nobody's, and stays."
    ),
    severity=Severity.MEDIUM,
    controls=(nist(5), soc2("CC6.1")),
    remediation="Add `tenant-<tenant>` to `tags`.",
    unknowns="refused when the tag isn't among those that are known: tags are decided in the code",
    types=TAGGABLE,
    check=_tagged,
    mend=_with_the_tenants_tag,
)


def _no_others(resource: Resource, _config: Config) -> Iterator[Finding]:
    own = own_tags(resource.stack) if resource.is_of_a_tenant else frozenset()
    for number, tag in enumerate(resource.items("tags")):
        if tag is UNKNOWN:
            yield f"`tags[{number}]` {_WRITE_OUT}"
        elif str(tag).lower().startswith("tenant-") and str(tag) not in own:
            yield f"`tags[{number}]` is another tenant's, or no tag of this one"


NO_FOREIGN_TAG = ResourceRule(
    name="no-foreign-tag",
    theme=Theme.TENANCY,
    title="Nothing carries a tag of another tenant's.",
    why="Firewalls and databases admit by tag: another tenant's tag is a key to its network.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Of tags that begin with `tenant-`, leave this tenant's and its tiers' alone.",
    unknowns="refused: tags are decided in the code",
    types=("digitalocean:",),
    check=_no_others,
)


def _named(resource: Resource, _config: Config) -> Iterator[Finding]:
    if not resource.is_of_a_tenant or resource.type in _INSIDE_A_CLUSTER:
        return
    name = resource.get("name")
    if name is UNKNOWN:
        yield f"`name` {_WRITE_OUT}"
    elif name is None:
        if resource.type in _NAMED:
            yield "`name` isn't given, so it gets one that nobody finds again"
    elif resource.type == TAG:
        if str(name) not in own_tags(resource.stack):
            yield "`name` is no tag of this tenant's"
    elif not re.match(rf"{re.escape(resource.stack)}-({'|'.join(sorted(ROLES))})(-|$)", str(name)):
        yield "`name` doesn't begin with the tenant and a role"


NAMED_FOR_THE_TENANT = ResourceRule(
    name="name-begins-with-the-tenant",
    theme=Theme.TENANCY,
    title="A name begins with its tenant.",
    why=(
        "Recovery finds a tenant's resources by their names. The role after it is why `acme-corp-agent-1` is "
        "never taken for acme's."
    ),
    severity=Severity.MEDIUM,
    controls=(nist(5), soc2("CC6.1")),
    remediation="Write `<tenant>-<role>-<key>`, with one of components.naming.ROLES; a tag begins `tenant-`.",
    unknowns="refused: names are decided in the code",
    types=("digitalocean:",),
    check=_named,
)


def _droplets(resources: Sequence[Resource], tier: Endpoint, *, perhaps: bool) -> list[Resource]:
    """The droplets of a tier, and those that are `perhaps` of it, as their tags aren't known."""
    found = []
    for each in resources:
        if each.type == DROPLET and each.is_of_a_tenant:
            tiers = tiers_of(each)
            if (tiers is None and perhaps) or tier in (tiers or ()):
                found.append(each)
    return found


def _guarded(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    agents = _droplets(resources, Endpoint.AGENT, perhaps=True)
    if agents and not _droplets(resources, Endpoint.GUARDRAIL, perhaps=False):
        yield agents[0], "it is an agent, and the stack has no guardrail"


AGENTS_HAVE_A_GUARDRAIL = StackRule(
    name="agents-have-a-guardrail",
    theme=Theme.TENANCY,
    title="Where there are agents, there is a guardrail.",
    why="It is what checks and writes down what agents send and are sent, and their only way to a model.",
    severity=Severity.HIGH,
    controls=(nist(6), nist(7), soc2("CC7.2")),
    remediation="Declare a components.guardrail.Guardrail in the same stack.",
    unknowns="refused: a droplet whose tags aren't known counts as an agent, and not as a guardrail",
    check=_guarded,
)


def _few(resources: Sequence[Resource], config: Config) -> Iterator[tuple[Resource, Finding]]:
    agents = _droplets(resources, Endpoint.AGENT, perhaps=True)
    if len(agents) > config["maximum"]:
        yield agents[-1], f"it is one of {len(agents)} agents' droplets, more than a tenant may have"


AGENTS_AT_MOST = StackRule(
    name="agents-at-most",
    theme=Theme.TENANCY,
    title="A tenant has no more agents than its network, and its budget, were made for.",
    why="A mistake in a loop, or a program that was taken over, buys machines until somebody looks.",
    severity=Severity.MEDIUM,
    controls=(soc2("CC5.2"), soc2("A1.1")),
    remediation="Lower `agents` or their `replicas` in the spec, or raise the rule's setting `maximum`.",
    unknowns="a droplet whose tags aren't known counts as an agent",
    settings={
        "maximum": Setting(
            schema={"type": "integer", "minimum": 1},
            default=50,
            description="Droplets of a tenant's agents, replicas and all.",
        )
    },
    check=_few,
)

RULES: tuple[Rule, ...] = (
    TENANT_TAG,
    NO_FOREIGN_TAG,
    NAMED_FOR_THE_TENANT,
    AGENTS_HAVE_A_GUARDRAIL,
    AGENTS_AT_MOST,
)
