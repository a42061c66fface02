"""All parts of one host's user-data, in the order that its first boot runs them."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from components.cloud_init.accounts import accounts
from components.cloud_init.audit import audit
from components.cloud_init.delivery import delivery
from components.cloud_init.drivers import drivers
from components.cloud_init.firewall import firewall
from components.cloud_init.hosts import hosts
from components.cloud_init.intrusion import intrusion
from components.cloud_init.kernel import kernel
from components.cloud_init.login import login
from components.cloud_init.mesh import MeshJoin, mesh, mesh_account, mesh_daemon
from components.cloud_init.modules import modules
from components.cloud_init.mounts import mounts
from components.cloud_init.packages import POSTGRESQL_CLIENT, packages
from components.cloud_init.part import Part, compose
from components.cloud_init.scrub import scrub
from components.cloud_init.services import services
from components.cloud_init.sshd import sshd
from components.cloud_init.upgrades import upgrades
from components.flows import Endpoint


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """What makes one host's user-data. `ssh_ca` is the public key of the vault's SSH CA, in one line."""

    hostname: str
    tenant: str
    tier: Endpoint
    ip_range: IPv4Network
    mesh: MeshJoin
    ssh_ca: str
    ssh_keys: tuple[str, ...] = ()


def user_data(config: HostConfig) -> str:
    """The `#cloud-config` document. Raises UserDataTooLargeError."""
    return compose(_parts(config))


def _parts(config: HostConfig) -> Iterator[Part]:
    yield modules()
    yield packages(POSTGRESQL_CLIENT if config.tier is Endpoint.GUARDRAIL else None)
    yield mesh_account()
    yield firewall(config.tier, config.ip_range, config.mesh)
    yield mesh_daemon()
    yield accounts(config.ssh_keys)
    yield sshd(config.tenant, config.ssh_ca)
    yield hosts(config.hostname)
    yield kernel()
    yield drivers()
    yield mounts()
    yield login()
    yield services()
    yield intrusion()
    yield upgrades()
    yield audit()
    yield delivery()
    yield scrub()
    yield mesh(config.mesh)
