"""A tenant's data, broken."""

import pulumi
from breakage import Breakage, setting, with_options

from policies.resource_types import DATABASE_CLUSTER, VOLUME

BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="unprotected-database",
        rule="data-deletion-protection",
        what="a database that a destroy deletes",
        apply=with_options(DATABASE_CLUSTER, pulumi.ResourceOptions(protect=False), name="-database-"),
    ),
    Breakage(
        name="unprotected-volume",
        rule="data-deletion-protection",
        what="a volume that a replacement deletes",
        apply=with_options(VOLUME, pulumi.ResourceOptions(protect=False)),
    ),
    Breakage(
        name="data-in-a-cache",
        rule="database-backups",
        what="a tenant's data in a Valkey, which nobody backs up",
        apply=setting(DATABASE_CLUSTER, name="-database-", engine="valkey", version="8"),
    ),
    Breakage(
        name="another-tenants-backup",
        rule="database-backups",
        what="a database that is restored from another tenant's",
        apply=setting(
            DATABASE_CLUSTER, name="-database-", backup_restore={"database_name": "globex-database-pg"}
        ),
    ),
    Breakage(
        name="readable-volume",
        rule="volume-encrypted",
        what="a volume with a file system of DigitalOcean's making",
        apply=setting(VOLUME, initial_filesystem_type="ext4"),
    ),
    Breakage(
        name="another-region",
        rule="residency",
        what="a volume where the customer didn't agree to",
        apply=setting(VOLUME, region="moon1"),
    ),
)
