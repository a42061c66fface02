"""The rules of the theme cost, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import cost
from policies.resource_types import DATABASE_CLUSTER, DROPLET, VOLUME

HOST = Given(type=DROPLET, name="acme-agent-writer-1", props={"size": "s-8vcpu-16gb"})
DATABASE = Given(
    type=DATABASE_CLUSTER,
    name="acme-database-pg",
    props={"size": "db-s-1vcpu-1gb", "engine": "pg", "nodeCount": 1},
)
DISK = Given(type=VOLUME, name="acme-agent-writer-1-data", props={"size": 100})
DYNAMIC = Given(type="pulumi-python:dynamic/tenantry:EnrolledHost", name="acme-agent-writer-1", props={})
HOSTS = [replace(HOST, name=f"acme-agent-writer-{number}") for number in range(1, 5)]
"""384 dollars a month, where 400 are allowed."""

CASES: tuple[Case, ...] = (
    Case(
        rule=cost.TENANT_BUDGET,
        passes=(
            (),
            (*HOSTS, DATABASE, DYNAMIC),
            [replace(HOST, stack="globex", name=f"globex-agent-{number}") for number in range(10)],
            [replace(HOST, stack="platform", name=f"platform-edge-{number}") for number in range(10)],
        ),
        violates=(
            (*HOSTS, replace(HOST, name="acme-agent-writer-5")),
            (*HOSTS, DATABASE.but(nodeCount=3)),
            (*HOSTS, DISK, replace(DISK, name="acme-agent-writer-2-data")),
            (DATABASE.but(size="db-s-16vcpu-64gb"),),
            (HOST.but(size="gpu-h100x8-640gb"),),
            (HOST.but(size=None),),
            (replace(HOST, type="digitalocean:index/kubernetesCluster:KubernetesCluster"),),
        ),
        unknown=(
            ((HOST.but(size=UNKNOWN),), False),
            ((DATABASE.but(nodeCount=UNKNOWN),), False),
            ((DISK.but(size=UNKNOWN),), False),
            ((HOST.but(userData=UNKNOWN), DATABASE.but(storageSizeMib=UNKNOWN)), True),
        ),
        config={"monthly_usd": 400, "budgets": {"globex": 2000}},
    ),
)
