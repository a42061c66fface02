"""The rules of ids: what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import references
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

ID = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
OWN = (
    Given(type=PROJECT, name="project", props={}),
    Given(type=VPC, name="vpc", props={}),
    Given(
        type=DATABASE_CLUSTER, name="cluster", props={"projectId": ID}, sources={"projectId": ("project",)}
    ),
    Given(type=DROPLET, name="one", props={}),
    Given(type=DROPLET, name="two", props={}),
    Given(type=VOLUME, name="volume", props={}),
)


def _referring(type_: str, **sources: tuple[str, ...]) -> Given:
    """A resource with inputs that are made from these resources; of nothing, they are written out."""
    return Given(
        type=type_,
        name="it",
        props={key: [ID] * len(names) if len(names) > 1 else ID for key, names in sources.items()},
        sources={key: names for key, names in sources.items() if names},
    )


REFERRING = (
    *(_referring(type_, clusterId=("cluster",)) for type_ in (DATABASE_DB, DATABASE_FIREWALL, DATABASE_USER)),
    _referring(PROJECT_RESOURCES, project=("project",), resources=("one", "two")),
    _referring(VOLUME_ATTACHMENT, dropletId=("one",), volumeId=("volume",)),
    _referring(VPC_NAT_GATEWAY, projectId=("project",), vpcs=("vpc",)),
)


def _written_out(given: Given, key: str) -> Given:
    return replace(given, sources={name: names for name, names in given.sources.items() if name != key})


CASES: tuple[Case, ...] = (
    Case(
        rule=references.REFERS_TO_ITS_OWN_STACK,
        passes=(OWN, *((*OWN, each) for each in REFERRING)),
        violates=(
            *((*OWN, _written_out(each, key)) for each in REFERRING for key in each.sources),
            (*OWN[:2], replace(OWN[2], sources={})),
            (*OWN, _referring(DATABASE_USER, clusterId=("vpc",))),
            (*OWN, _referring(VOLUME_ATTACHMENT, dropletId=("one",), volumeId=("one",))),
            (*OWN, REFERRING[3].but(resources=[ID, ID, "do:droplet:1"])),
            (*OWN, REFERRING[5].but(vpcs=[{"vpcUuid": ID}, {"vpcUuid": ID}])),
        ),
        unknown=(
            ((*OWN, REFERRING[0].but(clusterId=UNKNOWN)), True),
            ((*OWN, _written_out(REFERRING[0].but(clusterId=UNKNOWN), "clusterId")), False),
            ((*OWN, REFERRING[3].but(resources=[UNKNOWN, UNKNOWN])), True),
        ),
    ),
    Case(
        rule=references.DROPLET_NAMES_NO_VOLUME,
        passes=(OWN[3], OWN[3].but(volumeIds=[])),
        violates=(OWN[3].but(volumeIds=[ID]),),
        unknown=((OWN[3].but(volumeIds=UNKNOWN), False), (OWN[3].but(volumeIds=[UNKNOWN]), False)),
    ),
)
