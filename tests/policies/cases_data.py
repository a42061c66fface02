"""The rules of the theme data, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import data
from policies.resource_types import (
    DATA_VOLUME,
    DATABASE_CLUSTER,
    DATABASE_DB,
    DATABASE_REPLICA,
    DROPLET,
    VOLUME,
)

DATABASE = Given(
    type=DATABASE_CLUSTER,
    name="acme-database-pg",
    protect=True,
    props={"engine": "pg", "region": "nyc3", "tags": ["tenant-acme", "tenant-acme-database"]},
)
CACHE = DATABASE.but(engine="valkey", tags=["tenant-acme", "tenant-acme-cache"])
DATA = Given(type=VOLUME, name="acme-agent-writer-1-data", parents=(DATA_VOLUME,), protect=True, props={})
DROPLET_OF_ACME = Given(type=DROPLET, name="acme-guardrail-1", props={"region": "nyc3"})

CASES: tuple[Case, ...] = (
    Case(
        rule=data.DELETION_PROTECTION,
        passes=(DATABASE, DATA, replace(DATABASE, protect=False, stack="demo")),
        violates=(
            replace(DATABASE, protect=False),
            replace(DATA, protect=False),
            Given(type=DATABASE_DB, name="acme-database-tenant", props={}),
        ),
        unknown=((DATABASE.but(name=UNKNOWN), True),),
        config={"disposable_tenants": ["demo"]},
    ),
    Case(
        rule=data.BACKUPS,
        passes=(DATABASE, CACHE, DATABASE.but(backupRestore={"databaseName": "acme-database-pg"})),
        violates=(
            DATABASE.but(tags=CACHE.props["tags"]),
            CACHE.but(tags=DATABASE.props["tags"]),
            DATABASE.but(tags=["tenant-acme", "tenant-acme-database", "tenant-acme-cache"]),
            DATABASE.but(tags=["tenant-globex-database"]),
            DATABASE.but(tags=None),
            DATABASE.but(backupRestore={"databaseName": "globex-database-pg"}),
            DATABASE.but(backupRestore={"databaseName": "acme-corp-database-pg"}),
            DATABASE.but(backupRestore={}),
        ),
        unknown=(
            (DATABASE.but(tags=UNKNOWN), False),
            (DATABASE.but(tags=["tenant-acme-database", UNKNOWN]), False),
            (DATABASE.but(engine=UNKNOWN), False),
            (DATABASE.but(backupRestore=UNKNOWN), False),
            (DATABASE.but(backupRestore={"databaseName": UNKNOWN}), False),
        ),
    ),
    Case(
        rule=data.VOLUME_ENCRYPTED,
        passes=(DATA,),
        violates=(
            replace(DATA, parents=()),
            DATA.but(initialFilesystemType="ext4"),
            DATA.but(filesystemType="xfs"),
            DATA.but(snapshotId="a-snapshot"),
        ),
        unknown=(
            (DATA.but(snapshotId=UNKNOWN), False),
            (DATA.but(initialFilesystemType=UNKNOWN), False),
        ),
    ),
    Case(
        rule=data.RESIDENCY,
        passes=(
            DATABASE,
            DATA,
            DROPLET_OF_ACME,
            replace(DATABASE, stack="initech").but(region="ams3"),
            Given(type="tailscale:index/tailnetKey:TailnetKey", name="a", props={"region": "moon1"}),
        ),
        violates=(
            DATABASE.but(region="moon1"),
            DATA.but(region="NYC3"),
            DROPLET_OF_ACME.but(region=None),
            Given(type=DATABASE_REPLICA, name="acme-database-replica", props={}),
            replace(DATABASE, stack="initech"),
        ),
        unknown=((DROPLET_OF_ACME.but(region=UNKNOWN), False),),
        config={"residency": {"initech": ["ams3", "fra1"]}},
    ),
)
