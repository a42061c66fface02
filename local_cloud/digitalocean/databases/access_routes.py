"""/v2/databases/…/users, /dbs and /firewall."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.databases import access
from local_cloud.digitalocean.databases.models import find_cluster, online_cluster
from local_cloud.digitalocean.databases.views import database_names, rule_views, user_view, user_views
from local_cloud.digitalocean.errors import NotImplementedHereError
from local_cloud.digitalocean.service import Service

service = Service("real")

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class UserCreate(BaseModel):
    name: Name
    settings: dict[str, Any] | None = None


class DatabaseCreate(BaseModel):
    name: Name


class Rules(BaseModel):
    rules: list[access.Rule]


@service.get("/v2/databases/{cluster_id}/users")
def list_users(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"users": user_views(call, find_cluster(call, cluster_id))}


@service.post("/v2/databases/{cluster_id}/users")
def add_user(call: Call, cluster_id: str, body: UserCreate) -> dict[str, Any]:
    if (body.settings or {}).get("pg_allow_replication"):
        raise NotImplementedHereError("replication for database users")
    user = access.add_user(call, online_cluster(call, cluster_id), body.name)
    return {"user": user_view(user.name, user.password)}


@service.get("/v2/databases/{cluster_id}/users/{name}")
def get_user(call: Call, cluster_id: str, name: str) -> dict[str, Any]:
    cluster = find_cluster(call, cluster_id)
    if name == cluster.admin_user:
        return {"user": user_view(name, cluster.admin_password, "primary")}
    user = access.find_user(call, cluster, name)
    return {"user": user_view(user.name, user.password)}


@service.delete("/v2/databases/{cluster_id}/users/{name}")
def delete_user(call: Call, cluster_id: str, name: str) -> None:
    access.delete_user(call, online_cluster(call, cluster_id), name)


@service.post("/v2/databases/{cluster_id}/users/{name}/reset_auth", 200)
def reset_auth(call: Call, cluster_id: str, name: str) -> dict[str, Any]:
    cluster = online_cluster(call, cluster_id)
    password = access.reset_password(call, cluster, name)
    role = "primary" if name == cluster.admin_user else "normal"
    return {"user": user_view(name, password, role)}


@service.get("/v2/databases/{cluster_id}/dbs")
def list_databases(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"dbs": [{"name": name} for name in database_names(call, find_cluster(call, cluster_id))]}


@service.post("/v2/databases/{cluster_id}/dbs")
def add_database(call: Call, cluster_id: str, body: DatabaseCreate) -> dict[str, Any]:
    database = access.add_database(call, online_cluster(call, cluster_id), body.name)
    return {"db": {"name": database.name}}


@service.get("/v2/databases/{cluster_id}/dbs/{name}")
def get_database(call: Call, cluster_id: str, name: str) -> dict[str, Any]:
    return {"db": {"name": access.find_database(call, find_cluster(call, cluster_id), name).name}}


@service.delete("/v2/databases/{cluster_id}/dbs/{name}")
def delete_database(call: Call, cluster_id: str, name: str) -> None:
    access.delete_database(call, online_cluster(call, cluster_id), name)


@service.get("/v2/databases/{cluster_id}/firewall")
def list_rules(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"rules": rule_views(find_cluster(call, cluster_id))}


@service.put("/v2/databases/{cluster_id}/firewall", 204)
def replace_rules(call: Call, cluster_id: str, body: Rules) -> None:
    access.replace_rules(call, find_cluster(call, cluster_id), body.rules)
