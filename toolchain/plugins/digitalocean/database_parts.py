"""What is in a database cluster.

Ids are the official provider's (`<cluster>/user/<name>`), as is what an import takes (`<cluster>,<name>`).
"""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import ResourceFacts, snake
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Api, Json
from toolchain.plugins.digitalocean.collection import Collection, Readiness
from toolchain.plugins.digitalocean.databases import connection
from toolchain.plugins.digitalocean.translate import from_api, present, to_api

UUID_LENGTH = 36


class Part(Collection):
    """Something with a name, in a cluster."""

    group = "databases"
    kind: ClassVar[str]
    """The word in the middle of the id."""
    unsent = frozenset({"clusterId"})

    def parents(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (values["clusterId"],)

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        return f"{inputs['clusterId']}/{self.kind}/{thing['name']}"

    def locate(self, id: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        del state
        return self._parts(id)

    def read(self, id: str, state: Properties) -> Reading | None:
        cluster, name = self._parts(id)
        thing = self.get(id, state)
        if thing is None:
            return None
        return Reading(f"{cluster}/{self.kind}/{name}", {**self.state(thing), "clusterId": cluster})

    def lost(self, inputs: Mapping[str, Any], begun: Any) -> Json | None:
        del begun  # a name is unique in its cluster
        thing = self.get(f"{inputs['clusterId']}/{self.kind}/{inputs['name']}", inputs)
        return None if thing is None else {self.envelope: thing}

    def _parts(self, id: str) -> tuple[str, str]:
        cluster, _, rest = id.replace(",", "/", 1).partition("/")
        name = rest.removeprefix(f"{self.kind}/")
        if not cluster or not name:
            raise ProviderError(f'"{id}" is no id of a {self.kind}; write <cluster id>,<name>')
        return cluster, name


class DatabaseDb(Part):
    token = "digitalocean:index/databaseDb:DatabaseDb"
    envelope, kind = "db", "database"
    operations = {"create": "add"}


class DatabaseUser(Part):
    token = "digitalocean:index/databaseUser:DatabaseUser"
    envelope, kind = "user", "user"
    operations = {"create": "add_user", "get": "get_user", "update": "update_user", "delete": "delete_user"}
    kept = frozenset({"mysqlAuthPlugin"})

    def body(self, inputs: Mapping[str, Any]) -> Json:
        plugin = inputs.get("mysqlAuthPlugin")
        settings = to_api(inputs.get("settings") or [], self.facts.inputs["settings"].type)
        return present(
            {
                "name": inputs["name"],
                "mysql_settings": {"auth_plugin": plugin} if plugin else None,
                "settings": {
                    key.removesuffix("s") if key == "acls" else "opensearch_acl": value
                    for key, value in settings[0].items()
                }
                if settings
                else None,
            }
        )

    def state(self, thing: Json) -> Properties:
        plain = {key: value for key, value in thing.items() if key != "settings"}
        plugin = (thing.get("mysql_settings") or {}).get("auth_plugin")
        return {**super().state(plain), "mysqlAuthPlugin": plugin}

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        if state.get("mysqlAuthPlugin") != inputs.get("mysqlAuthPlugin", state.get("mysqlAuthPlugin")):
            body = {"mysql_settings": {"auth_plugin": inputs["mysqlAuthPlugin"]}}
            self.api.call("databases.reset_auth", *self._parts(id), body)
        else:
            self.api.call("databases.update_user", *self._parts(id), self.body(inputs))
        return self.state(self.expect(id, state))


class DatabaseConnectionPool(Part):
    token = "digitalocean:index/databaseConnectionPool:DatabaseConnectionPool"
    envelope, kind = "pool", "connection-pool"
    operations = {
        "create": "add_connection_pool",
        "get": "get_connection_pool",
        "update": "update_connection_pool",
        "delete": "delete_connection_pool",
    }
    renames = {"dbName": "db"}

    def state(self, thing: Json) -> Properties:
        return {**super().state(thing), **_connections(thing)}


class DatabaseReplica(Part):
    token = "digitalocean:index/databaseReplica:DatabaseReplica"
    envelope, kind = "replica", "replicas"
    operations = {"create": "create_replica", "get": "get_replica", "delete": "destroy_replica"}
    renames = {"uuid": "id"}
    kept = frozenset({"privateNetworkUuid", "region", "size", "storageSizeMib"})
    readiness = Readiness("status", frozenset({"online"}), seconds=1800.0)
    vanishes = True

    def state(self, thing: Json) -> Properties:
        return {**super().state(thing), **_connections(thing)}

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        raise ProviderError(
            f"{id}: pydo has no operation to resize a replica; replace it, or resize it by hand"
        )


class DatabaseFirewall(Collection):
    """The whole list of a cluster's trusted sources; imported by the cluster's id."""

    token = "digitalocean:index/databaseFirewall:DatabaseFirewall"
    group, envelope = "databases", "rules"
    nested_computed = frozenset({"uuid", "createdAt"})

    def create(self, inputs: Properties) -> Reading:
        cluster = inputs["clusterId"]
        self._put(cluster, inputs["rules"])
        return Reading(f"{cluster}-{uuid.uuid4().hex}", self._rules(cluster) or {})

    def read(self, id: str, state: Properties) -> Reading | None:
        cluster = state.get("clusterId") or id[:UUID_LENGTH]
        found = self._rules(cluster)
        return None if found is None else Reading(id, {"clusterId": cluster, **found})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self._put(inputs["clusterId"], inputs["rules"])
        return self._rules(inputs["clusterId"]) or {}

    def delete(self, id: str, state: Properties) -> None:
        try:
            self._put(state.get("clusterId") or id[:UUID_LENGTH], [])
        except ApiError as error:
            if error.status != 404:
                raise

    def _put(self, cluster: str, rules: list[Mapping[str, Any]]) -> None:
        plain = [{"type": rule["type"], "value": rule["value"]} for rule in rules]
        self.api.call("databases.update_firewall_rules", cluster, {"rules": plain})

    def _rules(self, cluster: str) -> Properties | None:
        try:
            rules = self.api.call("databases.list_firewall_rules", cluster).get("rules") or []
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return {"rules": from_api(rules, self.facts.inputs["rules"].type)}


class _Config(Collection):
    """The settings of a cluster's engine. They can't be removed: a delete leaves them as they are."""

    group, envelope = "databases", "config"
    suffix: ClassVar[str]
    spelled: ClassVar[Mapping[str, str]] = {}
    """The API's names where they aren't just snake_case."""

    def __init__(self, facts: ResourceFacts, api: Api) -> None:
        super().__init__(facts, api)
        self.kept = frozenset(facts.inputs) - {"clusterId"}  # each has a default in the engine

    def create(self, inputs: Properties) -> Reading:
        cluster = inputs["clusterId"]
        self._patch(cluster, inputs)
        return Reading(f"{cluster}/{self.suffix}", self._settings(cluster) or {})

    def read(self, id: str, state: Properties) -> Reading | None:
        del state
        cluster = id.split("/", maxsplit=1)[0]
        settings = self._settings(cluster)
        return (
            None
            if settings is None
            else Reading(f"{cluster}/{self.suffix}", {"clusterId": cluster, **settings})
        )

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self._patch(inputs["clusterId"], inputs)
        return self._settings(inputs["clusterId"]) or {}

    def delete(self, id: str, state: Properties) -> None:
        """Nothing to do: the settings go with their cluster, as in the official provider."""

    def _patch(self, cluster: str, inputs: Mapping[str, Any]) -> None:
        config = {}
        for name, value in inputs.items():
            if name != "clusterId":
                plain = to_api(value, self.facts.inputs[name].type)
                config[self._key(name)] = plain[0] if isinstance(plain, list) and plain else plain
        self.api.call("databases.patch_config", cluster, {"config": config})

    def _settings(self, cluster: str) -> Properties | None:
        try:
            config = self.api.call("databases.get_config", cluster)["config"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        found = {}
        for name, each in self.facts.inputs.items():
            if (value := config.get(self._key(name))) is not None:
                found[name] = from_api([value] if isinstance(value, dict) else value, each.type)
        return found

    def _key(self, name: str) -> str:
        return self.spelled.get(name, snake(name))


class DatabasePostgresqlConfig(_Config):
    token = "digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig"
    suffix = "postgresql-config"
    spelled = {
        "pgPartmanBgwInterval": "pg_partman_bgw.interval",
        "pgPartmanBgwRole": "pg_partman_bgw.role",
        "pgStatStatementsTrack": "pg_stat_statements.track",
        "pgbouncers": "pgbouncer",
        "timescaledbs": "timescaledb",
    }


class DatabaseValkeyConfig(_Config):
    token = "digitalocean:index/databaseValkeyConfig:DatabaseValkeyConfig"
    suffix = "valkey-config"


def _connections(thing: Json) -> Properties:
    return {
        **connection(thing.get("connection"), "", ("host", "port", "user", "password", "database", "uri")),
        **connection(thing.get("private_connection"), "private", ("host", "uri")),
    }
