"""What an operator sees, and the reset."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from local_cloud.digitalocean import tables
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.droplets.views import status_of
from local_cloud.digitalocean.errors import ConflictError
from local_cloud.digitalocean.projects.models import make_default_project

DRAIN_SECONDS = 120
PARALLEL_DELETES = 8
ERRORS_SHOWN = 20
KEPT = {"account", "sequence"}


def status(cloud: Cloud, session: Session) -> dict[str, Any]:
    """Of every account: machines, databases, and how far the background work is."""
    failed = (
        select(tables.Action)
        .where(tables.Action.status == "errored")
        .order_by(tables.Action.id.desc())
        .limit(ERRORS_SHOWN)
    )
    return {
        "machines": [_machine(cloud, droplet) for droplet in session.scalars(_visible(tables.Droplet))],
        "databases": [_database(cluster) for cluster in session.scalars(_visible(tables.DatabaseCluster))],
        "vpcs": [
            {"id": vpc.id, "name": vpc.name, "ip_range": vpc.ip_range}
            for vpc in session.scalars(select(tables.Vpc))
        ],
        "restoring": len(cloud.restoring),
        "unfinished_actions": cloud.jobs.unfinished,
        "waiting": cloud.transitions.waiting,
        "errors": [
            {"action": action.id, "kind": action.kind, "resource": action.resource_id, "error": action.error}
            for action in session.scalars(failed)
        ],
    }


def _visible(table: type[Any]) -> Any:
    return select(table).where(table.deleting.is_(False)).order_by(table.created_at, table.id)


def _machine(cloud: Cloud, droplet: tables.Droplet) -> dict[str, Any]:
    addresses = (droplet.private_address, droplet.public_address)
    return {
        "id": droplet.id,
        "name": droplet.name,
        "account": droplet.account_id,
        "status": status_of(cloud, droplet),
        "leader": cloud.hypervisor.machine_leader(droplet.id),
        "vpc": droplet.vpc_id,
        "addresses": [address for address in addresses if address],
    }


def _database(cluster: tables.DatabaseCluster) -> dict[str, Any]:
    return {
        "id": cluster.id,
        "name": cluster.name,
        "account": cluster.account_id,
        "engine": cluster.engine,
        "status": cluster.status,
        "host": f"private-{cluster.hostname}",
        "vpc": cluster.vpc_id,
        "addresses": [cluster.private_address, cluster.public_address],
    }


def reset(cloud: Cloud) -> None:
    """Deletes everything of every account, real things first; accounts and their tokens stay.

    Raises ConflictError when running work doesn't end, HypervisorError when a real thing can't be removed:
    then nothing is forgotten, and it can be called again.
    """
    cloud.faults.clear()
    cloud.transitions.configure({})
    with cloud.store.writing() as session:
        session.execute(
            update(tables.Action)
            .where(tables.Action.status == "in-progress")
            .values(status="errored", error="reset", completed_at=now())
        )
    cloud.transitions.flush()
    _drain(cloud)
    with cloud.store.writing() as session:
        _delete_real_things(cloud, session)
        for table in reversed(tables.Base.metadata.sorted_tables):
            if table.name not in KEPT or (table.name == "sequence" and cloud.ids.seeded):
                session.execute(delete(table))
        for account in session.scalars(select(tables.Account)).all():
            make_default_project(cloud, session, account)
        cloud.forget_all_endpoints()
        cloud.sync_names(session)


def _drain(cloud: Cloud) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while cloud.jobs.unfinished or cloud.restoring:
        if time.monotonic() > deadline:
            raise ConflictError(
                f"{cloud.jobs.unfinished} actions still run after {DRAIN_SECONDS} s: try again"
            )
        time.sleep(0.02)


def _delete_real_things(cloud: Cloud, session: Session) -> None:
    """In this order: what uses a thing goes before it."""
    hypervisor = cloud.hypervisor
    _each(hypervisor.delete_machine, session.scalars(select(tables.Droplet.id)))
    _each(hypervisor.delete_database_cluster, session.scalars(select(tables.DatabaseCluster.id)))
    _each(hypervisor.delete_nat_gateway, session.scalars(select(tables.NatGateway.id)))
    _each(hypervisor.delete_vpc, session.scalars(select(tables.Vpc.id)))
    _each(hypervisor.delete_volume, session.scalars(select(tables.Volume.id)))


def _each(remove: Callable[[Any], None], ids: Iterable[Any]) -> None:
    with ThreadPoolExecutor(PARALLEL_DELETES) as pool:
        for _ in pool.map(remove, list(ids)):
            pass
