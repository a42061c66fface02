"""Clusters, users and trusted sources as the API shows them."""

from typing import Any

from sqlalchemy import select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import written
from local_cloud.digitalocean.databases.offer import ENGINES
from local_cloud.digitalocean.projects.models import project_of
from local_cloud.digitalocean.tables import Action, Database, DatabaseCluster, DatabaseUser
from local_cloud.digitalocean.tags.models import tags_of


def cluster_view(call: Call, cluster: DatabaseCluster) -> dict[str, Any]:
    is_pg = cluster.engine == "pg"
    return {
        "id": cluster.id,
        "name": cluster.name,
        "engine": cluster.engine,
        "version": cluster.version,
        "semantic_version": ENGINES[cluster.engine].semantic_version,
        "num_nodes": 1,
        "region": cluster.region,
        "size": cluster.size,
        "status": cluster.status,
        "created_at": written(cluster.created_at),
        "connection": connection(cluster, cluster.hostname),
        "private_connection": connection(cluster, f"private-{cluster.hostname}"),
        "standby_connection": None,
        "standby_private_connection": None,
        "users": user_views(call, cluster) if is_pg else None,
        "db_names": database_names(call, cluster) if is_pg else None,
        "maintenance_window": cluster.maintenance_window,
        "private_network_uuid": cluster.vpc_id,
        "tags": tags_of(call, "database", cluster.id),
        "project_id": project_of(call, "dbaas", cluster.id),
        "rules": rule_views(cluster),
        "storage_size_mib": cluster.storage_size_mib,
        "version_end_of_life": None,
        "version_end_of_availability": None,
        **_failure(call, cluster),
    }


def _failure(call: Call, cluster: DatabaseCluster) -> dict[str, Any]:
    """DigitalOcean has no cluster that never came online; here there is one, and its reason is known."""
    if cluster.status != "error":
        return {}
    failed = select(Action.error).where(Action.resource_id == cluster.id, Action.error.is_not(None))
    return {"message": call.session.scalar(failed.order_by(Action.id.desc()).limit(1))}


def connection(cluster: DatabaseCluster, host: str) -> dict[str, Any]:
    engine = ENGINES[cluster.engine]
    query = "?sslmode=require" if cluster.engine == "pg" else ""
    path = f"/{engine.default_database}" if engine.default_database else ""
    login = f"{cluster.admin_user}:{cluster.admin_password}"
    return {
        "protocol": engine.scheme,
        "uri": f"{engine.scheme}://{login}@{host}:{engine.port}{path}{query}",
        "database": engine.default_database,
        "host": host,
        "port": engine.port,
        "user": cluster.admin_user,
        "password": cluster.admin_password,
        "ssl": True,
    }


def user_views(call: Call, cluster: DatabaseCluster) -> list[dict[str, Any]]:
    others = select(DatabaseUser).where(DatabaseUser.cluster_id == cluster.id).order_by(DatabaseUser.name)
    admin = user_view(cluster.admin_user, cluster.admin_password, "primary")
    return [admin, *(user_view(user.name, user.password) for user in call.session.scalars(others))]


def user_view(name: str, password: str, role: str = "normal") -> dict[str, Any]:
    return {"name": name, "role": role, "password": password}


def database_names(call: Call, cluster: DatabaseCluster) -> list[str]:
    names = select(Database.name).where(Database.cluster_id == cluster.id).order_by(Database.name)
    return list(call.session.scalars(names))


def rule_views(cluster: DatabaseCluster) -> list[dict[str, Any]]:
    return [{**rule, "cluster_uuid": cluster.id} for rule in cluster.rules]
