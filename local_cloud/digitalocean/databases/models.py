"""Database clusters: making, finding, changing, deleting them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.databases.offer import SIZES, check_layout, find_engine
from local_cloud.digitalocean.errors import NotFoundError, PreconditionFailedError, UnprocessableEntityError
from local_cloud.digitalocean.ids import new_password
from local_cloud.digitalocean.projects.models import assign_new
from local_cloud.digitalocean.tables import Action, Database, DatabaseCluster, Vpc
from local_cloud.digitalocean.tags.models import attach_tags, tagged_ids
from local_cloud.digitalocean.vpcs.models import allocate_private, allocate_public, check_region, default_vpc

MAINTENANCE = {"day": "thursday", "hour": "21:57:12", "pending": False, "description": []}


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a caller wants, checked for form only."""

    name: str
    engine: str
    version: str | None
    region: str
    size: str
    num_nodes: int
    vpc_uuid: str | None
    storage_size_mib: int
    tags: tuple[str, ...]
    project_id: str | None


def create_cluster(call: Call, order: Order) -> DatabaseCluster:
    """Raises UnprocessableEntityError, before anything is made."""
    check_region(order.region)
    engine = find_engine(order.engine, order.version)
    size = check_layout(order.size, order.num_nodes)
    if any(cluster.name == order.name for cluster in list_clusters(call)):
        raise UnprocessableEntityError("cluster name is not available")
    vpc = _vpc(call, order)
    cluster = DatabaseCluster(
        id=call.cloud.ids.uuid(call.session, "database"),
        account_id=call.account.id,
        name=order.name,
        engine=engine.slug,
        version=engine.here,
        region=order.region,
        size=order.size,
        storage_size_mib=order.storage_size_mib or size.disk * 1024,
        status="creating",
        deleting=False,
        vpc_id=vpc.id,
        private_address=str(allocate_private(call.session, vpc)),
        public_address=str(allocate_public(call.session)),
        hostname=f"{order.name}-do-user-{call.account.number}-0.l.db.ondigitalocean.com",
        admin_user=engine.admin,
        admin_password=new_password(),
        maintenance_window=dict(MAINTENANCE),
        config={},
        eviction_policy="noeviction",
        rules=[],
        created_at=now(),
    )
    call.session.add(cluster)
    call.session.flush()
    attach_tags(call, "database", cluster.id, order.tags)
    assign_new(call, "dbaas", cluster.id, order.project_id)
    if engine.default_database:
        call.session.add(Database(cluster_id=cluster.id, name=engine.default_database))
    return cluster


def start_creation(call: Call, cluster: DatabaseCluster) -> Action:
    """Its firewall and its names first, then the server."""
    call.cloud.sync_policies(call.session, call.account.id)
    call.cloud.sync_names(call.session)
    return start(call, "create", cluster)


def start(call: Call, what: str, cluster: DatabaseCluster, **params: Any) -> Action:
    resource = ("database", cluster.id)
    return call.start(f"database.{what}", resource, cluster.region, public=False, **params)


def find_cluster(call: Call, cluster_id: str) -> DatabaseCluster:
    """Raises NotFoundError, also for one that is being deleted."""
    cluster = call.own(DatabaseCluster, cluster_id, "cluster not found")
    if cluster.deleting:
        raise NotFoundError("cluster not found")
    return cluster


def online_cluster(call: Call, cluster_id: str) -> DatabaseCluster:
    """Raises PreconditionFailedError for one that can't take changes now."""
    cluster = find_cluster(call, cluster_id)
    if cluster.status != "online":
        raise PreconditionFailedError(f"cluster {cluster.name} is {cluster.status}: wait until it is online")
    return cluster


def list_clusters(call: Call, tag: str | None = None) -> list[DatabaseCluster]:
    query = select(DatabaseCluster).where(
        DatabaseCluster.account_id == call.account.id, DatabaseCluster.deleting.is_(False)
    )
    clusters = call.session.scalars(query.order_by(DatabaseCluster.created_at, DatabaseCluster.id))
    if tag is None:
        return list(clusters)
    tagged = tagged_ids(call, tag, "database")
    return [cluster for cluster in clusters if cluster.id in tagged]


def start_resize(
    call: Call, cluster: DatabaseCluster, size: str, num_nodes: int, storage: int | None
) -> None:
    """To the same or a larger size: DigitalOcean makes no node smaller.

    https://docs.digitalocean.com/products/databases/postgresql/details/limits/
    """
    new, old = check_layout(size, num_nodes), SIZES[cluster.size]
    if new.memory < old.memory:
        raise UnprocessableEntityError(
            f"cluster {cluster.name} is a {cluster.size}: it can't be made smaller"
        )
    if storage is not None and storage < new.disk * 1024:
        raise UnprocessableEntityError(
            f"storage_size_mib is {storage}, a {size} has {new.disk * 1024} at least"
        )
    cluster.status = "resizing"
    storage = storage or max(cluster.storage_size_mib, new.disk * 1024)
    start(call, "resize", cluster, size=size, storage_size_mib=storage)


def start_configuration(call: Call, cluster: DatabaseCluster, **changes: Any) -> None:
    """Keeps `config` or `eviction_policy` once the server runs with it."""
    call.await_outcome(start(call, "configure", cluster, **changes))


def start_deletion(call: Call, cluster: DatabaseCluster) -> None:
    """Hides it at once; it keeps its addresses, and its place in the VPC, until it is really gone."""
    cluster.deleting = True
    call.cloud.sync_names(call.session)
    call.await_outcome(start(call, "delete", cluster))


def _vpc(call: Call, order: Order) -> Vpc:
    if order.vpc_uuid is None:
        return default_vpc(call, order.region)
    vpc = call.session.get(Vpc, order.vpc_uuid)
    if vpc is None or vpc.account_id != call.account.id:
        raise UnprocessableEntityError(f"private_network_uuid {order.vpc_uuid} was not found in your account")
    if vpc.region != order.region:
        raise UnprocessableEntityError(f"VPC {vpc.name} is in {vpc.region}, the cluster in {order.region}")
    return vpc
