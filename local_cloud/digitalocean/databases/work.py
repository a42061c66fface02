"""What is done to the servers, and what is written when it is done."""

from ipaddress import IPv4Network
from typing import Any, Literal, cast

from sqlalchemy import delete
from sqlalchemy.orm import Session

from local_cloud.digitalocean.addresses import PUBLIC_RANGE, interface_in, mac_of
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.databases.offer import ENGINES, SIZES
from local_cloud.digitalocean.databases.settings import real_settings
from local_cloud.digitalocean.jobs import Deed, Work
from local_cloud.digitalocean.projects.models import unassign
from local_cloud.digitalocean.tables import Action, Database, DatabaseCluster, DatabaseUser, Tagging, Vpc
from local_cloud.hypervisor import model


def real_cluster(session: Session, cluster: DatabaseCluster, **changes: Any) -> model.DatabaseCluster:
    """As the hypervisor is asked for it; `changes` are of size, config or eviction_policy, not yet kept."""
    vpc = session.get_one(Vpc, cluster.vpc_id)
    endpoint = f"database:{cluster.id}"
    size = SIZES[changes.get("size", cluster.size)]
    config = changes.get("config", cluster.config)
    eviction_policy = changes.get("eviction_policy", cluster.eviction_policy)
    return model.DatabaseCluster(
        id=cluster.id,
        name=cluster.name,
        engine=cast("Literal['pg', 'valkey']", cluster.engine),
        version=cluster.version,
        port=ENGINES[cluster.engine].port,
        interfaces=(
            model.Interface(
                network=vpc.id,
                address=interface_in(IPv4Network(vpc.ip_range), cluster.private_address),
                mac=mac_of(endpoint, vpc.id),
            ),
            model.Interface(
                network=model.PUBLIC_NETWORK,
                address=interface_in(PUBLIC_RANGE, cluster.public_address),
                mac=mac_of(endpoint, model.PUBLIC_NETWORK),
            ),
        ),
        hostnames=(f"private-{cluster.hostname}", cluster.hostname),
        admin_user=cluster.admin_user,
        admin_password=cluster.admin_password,
        memory_mib=size.memory,
        settings=real_settings(cluster.engine, config, eviction_policy),
    )


def start_deed(cloud: Cloud, session: Session, cluster: DatabaseCluster, **changes: Any) -> Deed:
    """The firewall first, then the server; in the end its default database is there."""
    real, account_id = real_cluster(session, cluster, **changes), cluster.account_id
    default_database = ENGINES[cluster.engine].default_database

    def deed() -> None:
        cloud.apply_policy_of(account_id, real.endpoint)
        cloud.hypervisor.create_database_cluster(real)
        if default_database:
            cloud.hypervisor.create_database(real.id, default_database)

    return deed


def _cluster(session: Session, action: Action) -> DatabaseCluster | None:
    return session.get(DatabaseCluster, action.resource_id)


def _prepare_start(cloud: Cloud, session: Session, action: Action) -> Deed:
    cluster = _cluster(session, action)
    if cluster is None or cluster.deleting:
        return lambda: None
    return start_deed(cloud, session, cluster, **action.params)


def _online(_cloud: Cloud, session: Session, action: Action) -> None:
    """Keeps what was changed: the columns are named as the action's parameters."""
    cluster = _cluster(session, action)
    if cluster is not None:
        for column, value in action.params.items():
            setattr(cluster, column, value)
        cluster.status = "online"


def _as_before(_cloud: Cloud, session: Session, action: Action) -> None:
    cluster = _cluster(session, action)
    if cluster is not None:
        cluster.status = "online"


def _failed(_cloud: Cloud, session: Session, action: Action) -> None:
    """DigitalOcean has no state for it: one that never comes online must not look as if it still might."""
    cluster = _cluster(session, action)
    if cluster is not None:
        cluster.status = "error"


def _prepare_delete(cloud: Cloud, _session: Session, action: Action) -> Deed:
    cluster_id = action.resource_id
    return lambda: cloud.hypervisor.delete_database_cluster(cluster_id)


def _remove(cloud: Cloud, session: Session, action: Action) -> None:
    cluster = _cluster(session, action)
    if cluster is None:
        return
    for table in (Database, DatabaseUser):
        session.execute(delete(table).where(table.cluster_id == cluster.id))
    session.execute(
        delete(Tagging).where(Tagging.resource_type == "database", Tagging.resource_id == cluster.id)
    )
    unassign(session, "dbaas", cluster.id)
    cloud.forget_endpoint(f"database:{cluster.id}")
    session.delete(cluster)


def _still_there(cloud: Cloud, session: Session, action: Action) -> None:
    cluster = _cluster(session, action)
    if cluster is not None:
        cluster.deleting = False
        cloud.sync_names(session)


WORK = {
    "database.create": Work(prepare=_prepare_start, complete=_online, fail=_failed),
    "database.resize": Work(prepare=_prepare_start, complete=_online, fail=_as_before),
    "database.configure": Work(prepare=_prepare_start, complete=_online, fail=_as_before),
    "database.delete": Work(prepare=_prepare_delete, complete=_remove, fail=_still_there),
}
