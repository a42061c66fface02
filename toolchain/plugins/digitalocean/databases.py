"""Managed database clusters."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.errors import PartialFailure, Undone
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.actions import set_tags
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection, Readiness
from toolchain.plugins.digitalocean.translate import present, to_api

ONLINE_SECONDS = 1800.0
"""As long as the official provider waits."""
NO_EVICTION = "noeviction"
EVICTING = frozenset({"redis", "valkey"})


class DatabaseCluster(Collection):
    token = "digitalocean:index/databaseCluster:DatabaseCluster"
    group, envelope, plural = "databases", "database", "databases"
    operations = {
        "create": "create_cluster",
        "get": "get_cluster",
        "delete": "destroy_cluster",
        "list": "list_clusters",
    }
    renames = {"nodeCount": "num_nodes"}
    kept = frozenset({"privateNetworkUuid", "projectId", "storageSizeMib", "storageAutoscale", "version"})
    lowered = frozenset({"region"})
    unsent = frozenset(
        {"evictionPolicy", "maintenanceWindows", "sqlMode", "storageAutoscale", "storageSizeMib"}
    )
    readiness = Readiness("status", frozenset({"online"}), frozenset({"error"}), seconds=ONLINE_SECONDS)
    vanishes = True

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        engine = inputs.get("engine")
        wrong: dict[str, str] = {}
        if not isinstance(engine, str):
            return wrong
        if "version" not in inputs:
            wrong["version"] = f"version is required: which {engine} is it to be?"
        if "sqlMode" in inputs and engine != "mysql":
            wrong["sqlMode"] = f"sqlMode is for mysql, the engine is {engine}"
        if "evictionPolicy" in inputs and engine not in EVICTING:
            wrong["evictionPolicy"] = f"evictionPolicy is for valkey, the engine is {engine}"
        return wrong

    def same(self, name: str, old: Any, new: Any) -> bool:
        if name == "maintenanceWindows" and old and new:  # DigitalOcean answers 13:00:00 to 13:00
            return all(_window(before) == _window(after) for before, after in zip(old, new, strict=False))
        return False

    def body(self, inputs: Mapping[str, Any]) -> Json:
        return {**super().body(inputs), **_storage(inputs)}

    def lost(self, inputs: Mapping[str, Any], begun: Any) -> Json | None:
        del begun  # names of clusters are unique in an account
        for cluster in self.api.call("databases.list_clusters").get("databases") or []:
            if self.is_what_was_asked(cluster, inputs):
                return {"database": cluster}
        return None

    def create(self, inputs: Properties) -> Reading:
        """A cluster that was never online is removed again: in the state it would block every update."""
        try:
            return super().create(inputs)
        except PartialFailure as failure:
            made = self.get(failure.id, inputs)
            if made is None or made.get("status") != "error":
                raise
            self.delete(failure.id, inputs)
            raise Undone(f"{failure}; the cluster has been removed again") from failure

    def finish(self, thing: Json, inputs: Properties) -> None:
        self._set_details(thing["id"], {}, inputs)

    def state(self, thing: Json) -> Properties:
        plain = {key: value for key, value in thing.items() if key != "metrics_endpoints"}
        return {
            **super().state(plain),
            **connection(
                thing.get("connection"), "", ("host", "port", "user", "password", "database", "uri")
            ),
            **connection(thing.get("private_connection"), "private", ("host", "uri")),
            **connection(
                thing.get("ui_connection"), "ui", ("host", "port", "user", "password", "database", "uri")
            ),
            "metricsEndpoints": [
                f"{each['host']}:{each['port']}" for each in thing.get("metrics_endpoints") or []
            ],
            "clusterUrn": f"do:dbaas:{thing['id']}",
        }

    def read(self, id: str, state: Properties) -> Reading | None:
        reading = super().read(id, state)
        if reading and state.get("evictionPolicy"):  # asked for only where the program sets it, as officially
            answer = self.api.call("databases.get_eviction_policy", id)
            reading.state["evictionPolicy"] = answer["eviction_policy"]
        return reading

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        if any(
            state.get(name) != inputs.get(name, state.get(name))
            for name in ("size", "nodeCount", "storageSizeMib")
        ):
            grown = state.get("storageSizeMib") != inputs.get("storageSizeMib")
            body = {
                "size": inputs["size"],
                "num_nodes": inputs["nodeCount"],
                **(_storage(inputs) if grown else {}),
            }
            self._change(id, inputs, "update_cluster_size", body)
        if state.get("region") != inputs["region"]:
            self._change(id, inputs, "update_region", {"region": inputs["region"]})
        if state.get("version") != inputs.get("version", state.get("version")):
            self._change(id, inputs, "update_major_version", {"version": inputs["version"]})
        self._set_details(id, state, inputs)
        set_tags(self.api, "database", id, state.get("tags") or [], inputs.get("tags") or [])
        return self.state(self.expect(id, state))

    def _change(self, id: str, inputs: Properties, operation: str, body: Json) -> None:
        self.api.call(f"databases.{operation}", id, body)
        self.settled(id, inputs, {"database": self.expect(id, inputs)})

    def _set_details(self, id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """What has operations of its own, as far as it has changed."""
        if (windows := new.get("maintenanceWindows")) and windows != old.get("maintenanceWindows"):
            self.api.call("databases.update_maintenance_window", id, windows[0])
        if (policy := new.get("evictionPolicy")) != old.get("evictionPolicy"):
            body = {"eviction_policy": policy or NO_EVICTION}
            self.api.call("databases.update_eviction_policy", id, body)
        if (mode := new.get("sqlMode")) != old.get("sqlMode"):
            self.api.call("databases.update_sql_mode", id, {"sql_mode": mode or ""})
        if (autoscale := new.get("storageAutoscale")) and autoscale != old.get("storageAutoscale"):
            storage = to_api(autoscale, self.facts.inputs["storageAutoscale"].type)
            self.api.call("databases.update_autoscale", id, {"autoscale": {"storage": storage}})


def connection(said: Json | None, prefix: str, fields: tuple[str, ...]) -> Properties:
    """The fields of a connection as properties: `host`, or with a prefix `privateHost`."""
    names = {field: prefix + field.capitalize() if prefix else field for field in fields}
    return present({name: (said or {}).get(field) for field, name in names.items()})


def _storage(inputs: Mapping[str, Any]) -> Json:
    size = inputs.get("storageSizeMib")
    return {"storage_size_mib": int(size)} if size else {}


def _window(window: Mapping[str, Any]) -> tuple[Any, str]:
    return window.get("day"), ":".join(str(window.get("hour", "")).split(":")[:2])
