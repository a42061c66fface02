"""All parts of one host's user-data, in the order that its first boot runs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from components.cloud_init.access import CacheAccess, DatabaseAccess
from components.cloud_init.accounts import accounts
from components.cloud_init.audit import audit
from components.cloud_init.bootstrap import bootstrap
from components.cloud_init.credentials import cache_credentials, database_credentials
from components.cloud_init.firewall import firewall
from components.cloud_init.hosts import hosts
from components.cloud_init.intrusion import intrusion
from components.cloud_init.kernel import kernel
from components.cloud_init.modules import modules
from components.cloud_init.packages import POSTGRESQL_CLIENT, packages
from components.cloud_init.part import Part, compose
from components.cloud_init.scrub import scrub
from components.cloud_init.services import services
from components.cloud_init.sshd import sshd
from components.cloud_init.upgrades import upgrades
from components.flows import Endpoint


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """What makes one host's user-data. `names` maps the private host names that it needs to IPv4 addresses.

    `administrator` is given to the one host that prepares the database.
    """

    hostname: str
    tier: Endpoint
    ip_range: IPv4Network
    ssh_keys: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    database: DatabaseAccess | None = None
    cache: CacheAccess | None = None
    administrator: DatabaseAccess | None = None


def user_data(config: HostConfig) -> str:
    """The `#cloud-config` document. Raises UserDataTooLargeError."""
    return compose(_parts(config))


def _parts(config: HostConfig) -> Iterator[Part]:
    yield modules()
    yield packages(POSTGRESQL_CLIENT if config.administrator else None)
    yield firewall(config.tier, config.ip_range)
    yield accounts(config.ssh_keys)
    yield sshd()
    yield hosts(config.hostname, config.names)
    yield kernel()
    yield intrusion()
    yield upgrades()
    yield services()
    yield audit()
    yield scrub()
    if config.database:
        yield database_credentials(config.database)
    if config.cache:
        yield cache_credentials(config.cache)
    if config.administrator:
        yield bootstrap(config.administrator)
