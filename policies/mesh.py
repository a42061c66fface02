"""Rules of the mesh in tenants' stacks: who may join, as whom, and for how long a key lies about."""

from collections.abc import Iterator

from components.flows import HOST_TIERS
from components.naming import mesh_tag
from policies.reading import UNKNOWN, Resource
from policies.resource_types import TAILNET_KEY
from policies.rule import Config, Finding, ResourceRule, Rule, Setting, Severity, Theme, nist, soc2

_FLAGS = {"ephemeral": True, "reusable": False, "preauthorized": True}
_LONGEST = 3600


def _once(key: Resource, config: Config) -> Iterator[Finding]:
    for name, wanted in _FLAGS.items():
        value = key.get(name)
        if value is UNKNOWN:
            yield f"`{name}` isn't known before the update: write it out"
        elif value is not wanted:
            yield f"`{name}` isn't {str(wanted).lower()}"
    expiry = key.get("expiry")
    if expiry is UNKNOWN:
        yield "`expiry` isn't known before the update: write it out"
    elif isinstance(expiry, bool) or not isinstance(expiry, int | float):
        yield "`expiry` isn't given, which means ninety days"
    elif not 0 < expiry <= min(config["longest_seconds"], _LONGEST):
        yield "`expiry` is longer than a key may lie about"


ONE_TIME = ResourceRule(
    name="mesh-key-one-time",
    theme=Theme.MESH,
    title="A key to the mesh lets one ephemeral device in, once, within the hour.",
    why=(
        "It lies in user-data, which others read. Used once and expired, it opens nothing; an ephemeral "
        "device leaves when its host does."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(3), nist(6), soc2("CC6.1")),
    remediation="Make it with components.mesh.mesh_key.",
    unknowns="refused: all of it is decided in the code",
    settings={
        "longest_seconds": Setting(
            schema={"type": "integer", "minimum": 60, "maximum": _LONGEST},
            default=_LONGEST,
            description="For how many seconds a key may be used.",
        )
    },
    types=(TAILNET_KEY,),
    check=_once,
)


def _own_tag(key: Resource, _config: Config) -> Iterator[Finding]:
    if not key.is_of_a_tenant:
        yield "it is the platform's, whose members no stack lets in"
        return
    tags = list(key.items("tags"))
    if UNKNOWN in tags:
        yield "`tags` aren't known before the update: write them out"
    elif tags not in [[mesh_tag(key.stack, tier)] for tier in HOST_TIERS]:
        yield "`tags` aren't just the tag of one tier of this tenant's hosts"


TAGGED = ResourceRule(
    name="mesh-key-tagged-for-its-tenant",
    theme=Theme.MESH,
    title="A key to the mesh makes a device one tier's of its own tenant.",
    why=(
        "In the tailnet a device is what its tags say. One with two tiers has the rights of both; one with "
        "another tenant's, or with the control plane's, has theirs."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Give it the one tag of components.naming.mesh_tag for its tenant and tier.",
    unknowns="refused: tags are decided in the code",
    types=(TAILNET_KEY,),
    check=_own_tag,
)


def _not_a_tenants(resource: Resource, _config: Config) -> Iterator[Finding]:
    if resource.is_of_a_tenant and resource.type != TAILNET_KEY:
        yield "it sets something for the whole tailnet, from one tenant's stack"


PLATFORMS_ALONE = ResourceRule(
    name="mesh-policy-in-the-platform-alone",
    theme=Theme.MESH,
    title="Of the tailnet a tenant's stack has keys, and nothing that is everybody's.",
    why=(
        "The policy file, names, settings and webhooks are one for the whole tailnet. A tenant's stack that "
        "writes one writes it for all, and destroying the tenant takes it away from all."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.3")),
    remediation="Declare it in the stack platform (stacks/platform_program.py), with a rule of its own.",
    unknowns="there are none: the type and the stack decide",
    types=("tailscale:",),
    check=_not_a_tenants,
)

RULES: tuple[Rule, ...] = (ONE_TIME, TAGGED, PLATFORMS_ALONE)
