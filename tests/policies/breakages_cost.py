"""What the rules of the theme cost must notice, broken."""

from breakage import Breakage, setting

from policies.resource_types import DATABASE_CLUSTER, VPC_NAT_GATEWAY

BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="dear-database",
        rule="tenant-budget",
        what="a database of 64 GiB of memory",
        apply=setting(DATABASE_CLUSTER, name="-database-", size="db-s-16vcpu-64gb"),
    ),
    Breakage(
        name="dear-gateway",
        rule="tenant-budget",
        what="a NAT gateway of a hundred units",
        apply=setting(VPC_NAT_GATEWAY, size=100),
    ),
)
