"""Engines, versions and sizes: DigitalOcean's, and which of them this local cloud has."""

from dataclasses import dataclass

from local_cloud.digitalocean.errors import UnprocessableEntityError


@dataclass(frozen=True)
class Engine:
    """`here` is the version behind the API, `elsewhere` are DigitalOcean's others."""

    slug: str
    here: str
    semantic_version: str
    elsewhere: tuple[str, ...]
    port: int
    admin: str
    default_database: str
    scheme: str


ENGINES = {
    "pg": Engine("pg", "18", "18.4", ("14", "15", "16", "17"), 25060, "doadmin", "defaultdb", "postgresql"),
    "valkey": Engine("valkey", "8", "8.1.8", (), 25061, "default", "", "rediss"),
}
ABSENT_ENGINES = ("mysql", "redis", "mongodb", "kafka", "opensearch", "advanced_pg", "advanced_mysql")


@dataclass(frozen=True)
class DatabaseSize:
    memory: int
    vcpus: int
    disk: int


SIZES = {
    "db-s-1vcpu-1gb": DatabaseSize(1024, 1, 10),
    "db-s-1vcpu-2gb": DatabaseSize(2048, 1, 30),
    "db-s-2vcpu-4gb": DatabaseSize(4096, 2, 60),
    "db-s-4vcpu-8gb": DatabaseSize(8192, 4, 140),
    "db-s-6vcpu-16gb": DatabaseSize(16384, 6, 290),
    "db-s-8vcpu-32gb": DatabaseSize(32768, 8, 600),
    "db-s-16vcpu-64gb": DatabaseSize(65536, 16, 1120),
    "gd-2vcpu-8gb": DatabaseSize(8192, 2, 25),
    "gd-4vcpu-16gb": DatabaseSize(16384, 4, 60),
    "gd-8vcpu-32gb": DatabaseSize(32768, 8, 145),
    "so1_5-2vcpu-16gb": DatabaseSize(16384, 2, 350),
    "so1_5-4vcpu-32gb": DatabaseSize(32768, 4, 770),
}
"""Memory in MiB, disk in GiB."""


def find_engine(slug: str, version: str | None) -> Engine:
    """Raises UnprocessableEntityError, which tells what only DigitalOcean has from what nobody has."""
    have = ", ".join(f"{engine.slug} {engine.here}" for engine in ENGINES.values())
    engine = ENGINES.get(slug)
    if engine is None:
        reason = "is not in this local cloud" if slug in ABSENT_ENGINES else "is an invalid engine"
        raise UnprocessableEntityError(f"{slug} {reason}: it has {have}")
    if version is not None and version != engine.here:
        reason = "is not in this local cloud" if version in engine.elsewhere else "is an invalid version"
        raise UnprocessableEntityError(f"{slug} {version} {reason}: it has {have}")
    return engine


def check_layout(size: str, num_nodes: int) -> DatabaseSize:
    """Raises UnprocessableEntityError."""
    if size not in SIZES:
        raise UnprocessableEntityError(f"invalid size {size}: use one of {', '.join(SIZES)}")
    if num_nodes != 1:
        raise UnprocessableEntityError(
            f"num_nodes is {num_nodes}: this local cloud's clusters have one node, no standby"
        )
    return SIZES[size]
