"""/v2/databases: clusters."""

import base64
from typing import Any, Literal

from pydantic import BaseModel, Field

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.regions import NAMES
from local_cloud.digitalocean.databases import models
from local_cloud.digitalocean.databases.access import Rule, replace_rules
from local_cloud.digitalocean.databases.offer import ENGINES, SIZES
from local_cloud.digitalocean.databases.settings import EVICTION_POLICIES, POLICY, changes_for_policy, checked
from local_cloud.digitalocean.databases.views import cluster_view
from local_cloud.digitalocean.errors import (
    NotImplementedHereError,
    PreconditionFailedError,
    UnprocessableEntityError,
)
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import DatabaseCluster

service = Service("real")

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class ClusterCreate(BaseModel):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*[a-z0-9]$", min_length=3, max_length=63)
    engine: str
    version: str | None = None
    num_nodes: int = Field(ge=1)
    size: str
    region: str
    private_network_uuid: str | None = None
    tags: list[str] | None = None
    project_id: str | None = None
    rules: list[Rule] | None = None
    storage_size_mib: int | None = Field(default=None, ge=0)
    backup_restore: dict[str, Any] | None = None

    def order(self) -> models.Order:
        return models.Order(
            name=self.name,
            engine=self.engine,
            version=self.version or None,
            region=self.region,
            size=self.size,
            num_nodes=self.num_nodes,
            vpc_uuid=self.private_network_uuid or None,
            storage_size_mib=self.storage_size_mib or 0,
            tags=tuple(self.tags or ()),
            project_id=self.project_id or None,
        )


class Resize(BaseModel):
    size: str
    num_nodes: int
    storage_size_mib: int | None = None


class Config(BaseModel):
    config: dict[str, Any]


class Eviction(BaseModel):
    eviction_policy: str


class Maintenance(BaseModel):
    day: Day
    hour: str = Field(pattern=r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")


@service.get("/v2/databases/options")
def options(call: Call) -> dict[str, Any]:  # noqa: ARG001
    offered = {
        slug: {
            "regions": list(NAMES),
            "versions": [engine.here],
            "default_version": engine.here,
            "layouts": [{"num_nodes": 1, "sizes": list(SIZES)}],
        }
        for slug, engine in ENGINES.items()
    }
    availability = {
        slug: [{"version": engine.here, "end_of_life": None, "end_of_availability": None}]
        for slug, engine in ENGINES.items()
    }
    return {"options": offered, "version_availability": availability}


@service.get("/v2/databases")
def index(call: Call, tag_name: str | None = None) -> dict[str, Any]:
    found = models.list_clusters(call, tag_name)
    return call.page("databases", found, lambda cluster: cluster_view(call, cluster))


@service.post("/v2/databases")
def create(call: Call, body: ClusterCreate) -> dict[str, Any]:
    if body.backup_restore:
        raise NotImplementedHereError("database backups")
    cluster = models.create_cluster(call, body.order())
    if body.rules:
        replace_rules(call, cluster, body.rules)
    models.start_creation(call, cluster)
    return {"database": cluster_view(call, cluster)}


@service.get("/v2/databases/{cluster_id}")
def get(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"database": cluster_view(call, models.find_cluster(call, cluster_id))}


@service.delete("/v2/databases/{cluster_id}")
def delete(call: Call, cluster_id: str) -> None:
    models.start_deletion(call, models.find_cluster(call, cluster_id))


@service.put("/v2/databases/{cluster_id}/resize", 202)
def resize(call: Call, cluster_id: str, body: Resize) -> None:
    cluster = models.online_cluster(call, cluster_id)
    models.start_resize(call, cluster, body.size, body.num_nodes, body.storage_size_mib)


@service.put("/v2/databases/{cluster_id}/maintenance", 204)
def maintenance(call: Call, cluster_id: str, body: Maintenance) -> None:
    cluster = models.find_cluster(call, cluster_id)
    cluster.maintenance_window = {**models.MAINTENANCE, "day": body.day, "hour": body.hour}


@service.get("/v2/databases/{cluster_id}/ca")
def certificate(call: Call, cluster_id: str) -> dict[str, Any]:
    cluster = models.find_cluster(call, cluster_id)
    if cluster.status == "creating":
        raise PreconditionFailedError(f"cluster {cluster.name} is creating: it has no certificate yet")
    pem = call.cloud.hypervisor.database_ca_certificate(cluster.id)
    return {"ca": {"certificate": base64.b64encode(pem.encode()).decode()}}


@service.get("/v2/databases/{cluster_id}/config")
def get_config(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"config": models.find_cluster(call, cluster_id).config}


@service.patch("/v2/databases/{cluster_id}/config")
def patch_config(call: Call, cluster_id: str, body: Config) -> None:
    cluster = models.online_cluster(call, cluster_id)
    config = {**cluster.config, **checked(cluster.engine, body.config)}
    changes = changes_for_policy(config, config[POLICY]) if POLICY in body.config else {"config": config}
    models.start_configuration(call, cluster, **changes)


@service.get("/v2/databases/{cluster_id}/eviction_policy")
def get_eviction_policy(call: Call, cluster_id: str) -> dict[str, Any]:
    return {"eviction_policy": _valkey(models.find_cluster(call, cluster_id)).eviction_policy}


@service.put("/v2/databases/{cluster_id}/eviction_policy", 204)
def put_eviction_policy(call: Call, cluster_id: str, body: Eviction) -> None:
    cluster = _valkey(models.online_cluster(call, cluster_id))
    if body.eviction_policy not in EVICTION_POLICIES:
        raise UnprocessableEntityError(f"eviction_policy must be one of {', '.join(EVICTION_POLICIES)}")
    models.start_configuration(call, cluster, **changes_for_policy(cluster.config, body.eviction_policy))


def _valkey(cluster: DatabaseCluster) -> DatabaseCluster:
    if cluster.engine != "valkey":
        raise UnprocessableEntityError(
            f"eviction policies are for Valkey clusters, {cluster.name} is {cluster.engine}"
        )
    return cluster
