"""What the rules of ids must notice, broken."""

from breakage import Breakage, setting

from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_FIREWALL,
    DATABASE_USER,
    DROPLET,
    PROJECT_RESOURCES,
    VOLUME_ATTACHMENT,
    VPC_NAT_GATEWAY,
)

FOREIGN = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
"""An id that somebody has found in another tenant's state."""

_RULE = "refers-to-its-own-stack"

BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="another-tenants-database",
        rule=_RULE,
        what="a user in another tenant's database",
        apply=setting(DATABASE_USER, cluster_id=FOREIGN),
    ),
    Breakage(
        name="another-tenants-trusted-sources",
        rule=_RULE,
        what="a firewall of a database that replaces another tenant's",
        apply=setting(DATABASE_FIREWALL, cluster_id=FOREIGN),
    ),
    Breakage(
        name="another-tenants-volume",
        rule=_RULE,
        what="another tenant's volume, attached to an agent",
        apply=setting(VOLUME_ATTACHMENT, volume_id=FOREIGN),
    ),
    Breakage(
        name="volume-by-its-id",
        rule="droplet-names-no-volume",
        what="an agent with a volume by its id",
        apply=setting(DROPLET, name="-agent-", volume_ids=[FOREIGN]),
    ),
    Breakage(
        name="another-tenants-way-out",
        rule=_RULE,
        what="a gateway for another tenant's network",
        apply=setting(VPC_NAT_GATEWAY, vpcs=[{"vpc_uuid": FOREIGN}]),
    ),
    Breakage(
        name="another-tenants-project",
        rule=_RULE,
        what="droplets in another tenant's project",
        apply=setting(PROJECT_RESOURCES, project=FOREIGN),
    ),
    Breakage(
        name="database-in-another-project",
        rule=_RULE,
        what="a database in another tenant's project",
        apply=setting(DATABASE_CLUSTER, name="-database-", project_id=FOREIGN),
    ),
)
