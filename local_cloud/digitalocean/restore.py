"""Brings the real things back to what the state says, after a start of the supervisor."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean import tables
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.databases.work import start_deed
from local_cloud.digitalocean.droplets.work import boot
from local_cloud.digitalocean.jobs import Deed
from local_cloud.digitalocean.nat_gateways.models import realise
from local_cloud.digitalocean.volumes.models import real_volume
from local_cloud.hypervisor.model import Vpc

log = logging.getLogger(__name__)

DECIDES_POWER = tuple(
    f"droplet.{what}"
    for what in ("create", "power_on", "power_off", "shutdown", "reboot", "power_cycle", "rebuild", "delete")
)
"""Actions that start or stop a machine themselves: taken up again, they need no machine booted for them."""


def restore(cloud: Cloud, workers: int) -> threading.Thread:
    """Networks, firewalls, names and volumes before it returns; the rest in the background.

    Servers and machines start all at once, and then the actions that were in progress go on. What can't be
    had is logged and left as it is: off.
    """
    with cloud.store.writing() as session:
        for what, deed in _foundations(cloud, session):
            _try(what, deed)
        for account_id in session.scalars(select(tables.Account.id)).all():
            _try(f"policies of account {account_id}", lambda: cloud.sync_policies(session, account_id))  # noqa: B023
        _try("names", lambda: cloud.sync_names(session))
    with cloud.store.reading() as session:
        deeds = {"vault": cloud.hypervisor.wait_for_vault, **dict(_servers_and_machines(cloud, session))}
    cloud.restoring.update(deeds)
    thread = threading.Thread(
        target=_in_background, args=(cloud, deeds, workers), name="restore", daemon=True
    )
    thread.start()
    return thread


def _in_background(cloud: Cloud, deeds: dict[str, Deed], workers: int) -> None:
    with ThreadPoolExecutor(workers, thread_name_prefix="restore") as pool:
        for resource, deed in deeds.items():
            pool.submit(_bring_back, cloud, resource, deed)
    cloud.jobs.resume()


def _bring_back(cloud: Cloud, resource: str, deed: Deed) -> None:
    try:
        with cloud.jobs.exclusively(resource):
            _try(resource, deed)
    finally:
        cloud.restoring.discard(resource)


def _try(what: str, deed: Callable[[], None]) -> None:
    try:
        deed()
    except Exception:  # what isn't brought back must be told, whatever the reason
        log.exception("could not restore %s", what)


def _foundations(cloud: Cloud, session: Session) -> Iterator[tuple[str, Deed]]:
    for vpc in session.scalars(select(tables.Vpc)).all():
        real = Vpc(id=vpc.id, ip_range=IPv4Network(vpc.ip_range))
        yield f"VPC {vpc.id}", lambda real=real: cloud.hypervisor.create_vpc(real)  # type: ignore[misc]
    for gateway in session.scalars(select(tables.NatGateway)).all():
        if gateway.state == "ACTIVE":
            yield f"VPC NAT gateway {gateway.id}", realise(cloud, gateway)
    for volume in session.scalars(select(tables.Volume)).all():
        disk = real_volume(volume)
        yield f"volume {volume.id}", lambda disk=disk: cloud.hypervisor.create_volume(disk)  # type: ignore[misc]


def _servers_and_machines(cloud: Cloud, session: Session) -> Iterator[tuple[str, Deed]]:
    clusters = select(tables.DatabaseCluster).where(
        tables.DatabaseCluster.deleting.is_(False), tables.DatabaseCluster.status.in_(("online", "resizing"))
    )
    for cluster in session.scalars(clusters):
        yield f"database:{cluster.id}", start_deed(cloud, session, cluster)
    busy = select(tables.Action.resource_id).where(
        tables.Action.status == "in-progress", tables.Action.kind.in_(DECIDES_POWER)
    )
    decided = set(session.scalars(busy))
    for droplet in session.scalars(select(tables.Droplet).where(tables.Droplet.status == "active")):
        if not droplet.deleting and str(droplet.id) not in decided:
            yield f"droplet:{droplet.id}", boot(cloud, session, droplet, cloud.hypervisor.start_machine)
