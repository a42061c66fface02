"""Rules of a tenant's data: what keeps it from being lost, from being read, and where it may be."""

import re
from collections.abc import Iterator

from components.flows import Endpoint
from policies.clusters import tier_of
from policies.reading import UNKNOWN, Resource
from policies.resource_types import (
    DATA_VOLUME,
    DATABASE_CLUSTER,
    DATABASE_DB,
    DATABASE_REPLICA,
    DROPLET,
    VOLUME,
)
from policies.rule import (
    TEXTS,
    Config,
    Finding,
    ResourceRule,
    Rule,
    Setting,
    Severity,
    Theme,
    cis,
    nist,
    soc2,
)

REGIONS = [
    *("nyc1", "nyc2", "nyc3", "sfo2", "sfo3", "tor1", "atl1"),
    *("ams3", "fra1", "lon1", "blr1", "sgp1", "syd1"),
]
"""DigitalOcean's that take something new."""


def _protected(resource: Resource, config: Config) -> Iterator[Finding]:
    if not resource.protect and resource.stack not in config["disposable_tenants"]:
        yield "`protect` is off, so a destroy or a replacement deletes the tenant's data"


DELETION_PROTECTION = ResourceRule(
    name="data-deletion-protection",
    theme=Theme.DATA,
    title="What holds a tenant's data is protected from deletion.",
    why="A renamed resource or a changed region is a replacement, and a replaced database is an empty one.",
    severity=Severity.HIGH,
    controls=(soc2("A1.2"), soc2("CC6.5")),
    remediation="Leave `deletion_protection` on in the tenant's spec, or name it in `disposable_tenants`.",
    unknowns="there are none: the engine knows a resource's options before it is made",
    settings={
        "disposable_tenants": Setting(
            schema=TEXTS, default=[], description="Tenants whose data nobody will miss: demonstrations."
        )
    },
    types=(DATABASE_CLUSTER, DATABASE_DB, VOLUME),
    check=_protected,
)

_ENGINES = {Endpoint.DATABASE: "pg", Endpoint.CACHE: "valkey"}


def _backed_up(cluster: Resource, _config: Config) -> Iterator[Finding]:
    tier = tier_of(cluster)
    if tier is None:
        yield "`tags` don't say whether it is the tenant's database or its cache"
    elif cluster.get("engine") != _ENGINES[tier]:
        yield "`engine` isn't its tier's: DigitalOcean backs up PostgreSQL daily, and Valkey not at all"
    if cluster.has("backupRestore"):
        origin = cluster.get("backupRestore", "databaseName")
        if origin is UNKNOWN:
            yield "`backupRestore` isn't known before the update: write it out"
        elif not re.match(rf"{re.escape(cluster.stack)}-database(-|$)", str(origin)):
            yield "`backupRestore` takes the data of a cluster that isn't this tenant's"


BACKUPS = ResourceRule(
    name="database-backups",
    theme=Theme.DATA,
    title="A tenant's data of record is in PostgreSQL, which is backed up, and comes from its own backups.",
    why=(
        "DigitalOcean keeps daily backups of PostgreSQL for seven days, and none of Valkey, so nothing but a "
        "cache may be in one. A cluster that is restored has all that the other one had."
    ),
    severity=Severity.HIGH,
    controls=(soc2("A1.2"), soc2("CC6.1")),
    remediation="Run `pg` in the tier database, `valkey` in the tier cache; restore from the tenant's own.",
    unknowns="refused: tags, engine and what is restored are decided in the code",
    types=(DATABASE_CLUSTER,),
    check=_backed_up,
)


def _encrypted(volume: Resource, _config: Config) -> Iterator[Finding]:
    if volume.ancestors[-1:] != (DATA_VOLUME,):
        yield "it isn't made by the component DataVolume, whose host encrypts it with a key of the vault's"
    for key in ("initialFilesystemType", "filesystemType"):
        if volume.has(key) and volume.get(key) is not None:
            yield f"`{key}` has DigitalOcean make a file system that isn't encrypted"
    if volume.has("snapshotId") and volume.get("snapshotId") is not None:
        yield "`snapshotId` brings in what another volume held"


VOLUME_ENCRYPTED = ResourceRule(
    name="volume-encrypted",
    theme=Theme.DATA,
    title="A volume is encrypted by its host, with a key of the vault's.",
    why="DigitalOcean's own encryption has DigitalOcean's keys: whoever attaches the volume reads it.",
    severity=Severity.HIGH,
    controls=(cis("6.1"), nist(1), soc2("CC6.1")),
    remediation="Declare a components.volume.DataVolume, without a file system and without a snapshot.",
    unknowns="refused: our volumes have none of these keys at all",
    types=(VOLUME,),
    check=_encrypted,
)


def _resides(resource: Resource, config: Config) -> Iterator[Finding]:
    region = resource.get("region")
    if region is UNKNOWN:
        yield "`region` isn't known before the update: write it out"
    elif region is None:
        if resource.type in (DROPLET, DATABASE_REPLICA):
            yield "`region` isn't given, so DigitalOcean chooses one"
    elif region not in config["residency"].get(resource.stack, config["regions"]):
        yield "`region` is outside of the tenant's residency"


RESIDENCY = ResourceRule(
    name="residency",
    theme=Theme.DATA,
    title="Everything of a tenant is in a region that its customer agreed to.",
    why="Where data is decides whose law it is under. Moved once, it can't be called back.",
    severity=Severity.HIGH,
    controls=(nist(1), soc2("C1.1")),
    remediation="Choose a region that the rule's setting `residency` has for the tenant, or else `regions`.",
    unknowns="refused: the region is written in the tenant's spec",
    settings={
        "residency": Setting(
            schema={"type": "object", "additionalProperties": TEXTS},
            default={},
            description="Regions that are allowed, by tenant.",
        ),
        "regions": Setting(
            schema=TEXTS, default=REGIONS, description="Regions of tenants that `residency` doesn't name."
        ),
    },
    types=("digitalocean:",),
    check=_resides,
)

RULES: tuple[Rule, ...] = (DELETION_PROTECTION, BACKUPS, VOLUME_ENCRYPTED, RESIDENCY)
