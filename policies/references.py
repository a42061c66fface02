"""Rules of ids: what a resource of DigitalOcean's refers to is of its own stack."""

from collections.abc import Iterator, Mapping, Sequence

from policies.reading import Resource
from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_DB,
    DATABASE_FIREWALL,
    DATABASE_USER,
    DROPLET,
    PROJECT,
    PROJECT_RESOURCES,
    VOLUME,
    VOLUME_ATTACHMENT,
    VPC,
    VPC_NAT_GATEWAY,
)
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, StackRule, Theme, nist, soc2

REFERENCES: Mapping[str, Mapping[str, str]] = {
    DATABASE_CLUSTER: {"projectId": PROJECT},
    DATABASE_DB: {"clusterId": DATABASE_CLUSTER},
    DATABASE_FIREWALL: {"clusterId": DATABASE_CLUSTER},
    DATABASE_USER: {"clusterId": DATABASE_CLUSTER},
    PROJECT_RESOURCES: {"project": PROJECT, "resources": DROPLET},
    VOLUME_ATTACHMENT: {"dropletId": DROPLET, "volumeId": VOLUME},
    VPC_NAT_GATEWAY: {"projectId": PROJECT, "vpcs": VPC},
}
"""By type, which inputs are ids, and of what. Of a VPC's the rules of hosts' and clusters' networks speak."""


def _of_this_stack(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    for each in resources:
        for key, type_ in REFERENCES.get(each.type, {}).items():
            if each.has(key) and not each.is_made_from(key, type_):
                yield each, f"`{key}` doesn't come from a {type_.rsplit(':', 1)[-1]} of this stack"


REFERS_TO_ITS_OWN_STACK = StackRule(
    name="refers-to-its-own-stack",
    theme=Theme.TENANCY,
    title="A cluster, project, droplet or volume that a resource refers to is of its own stack.",
    why=(
        "The account's token reaches every tenant. An id that is written out may be another one's: its "
        "database is given a user, its trusted sources are replaced, its volume is attached here."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Take the `id` of the resource that the same program declares.",
    unknowns="judged by what the value is made from, which a preview knows",
    check=_of_this_stack,
)


def _no_volumes(droplet: Resource, _config: Config) -> Iterator[Finding]:
    """A rule for resources, as these are given inputs: a state has volumes that were attached later."""
    if list(droplet.items("volumeIds")):
        yield "`volumeIds` names volumes by their ids, which may be another tenant's"


DROPLET_NAMES_NO_VOLUME = ResourceRule(
    name="droplet-names-no-volume",
    theme=Theme.TENANCY,
    title="A droplet names no volume: an attachment does.",
    why="An attachment shows which volume of the stack it is for; an id may be another tenant's volume.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Declare a DataVolume for the host (components/volume.py).",
    unknowns="refused: a droplet's inputs are decided in the code",
    types=(DROPLET,),
    check=_no_volumes,
)

RULES: tuple[Rule, ...] = (REFERS_TO_ITS_OWN_STACK, DROPLET_NAMES_NO_VOLUME)
