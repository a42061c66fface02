"""Who may use a cluster: its users, its databases, its trusted sources."""

from ipaddress import IPv4Network
from typing import Any, Literal

from pydantic import BaseModel, model_validator

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now, written
from local_cloud.digitalocean.databases.offer import ENGINES
from local_cloud.digitalocean.errors import ForbiddenError, NotFoundError, UnprocessableEntityError
from local_cloud.digitalocean.ids import new_password
from local_cloud.digitalocean.tables import Database, DatabaseCluster, DatabaseUser, Droplet
from local_cloud.digitalocean.tags.models import missing_tags

MOST_RULES = 100


class Rule(BaseModel):
    """A trusted source."""

    type: Literal["droplet", "k8s", "ip_addr", "tag", "app"]
    value: str
    uuid: str | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Rule":
        if self.type in {"k8s", "app"}:
            raise ValueError(f"a {self.type} can be no trusted source: the local cloud has none")
        if self.type == "ip_addr":
            IPv4Network(self.value, strict=False)
        if self.type == "droplet" and not self.value.isdecimal():
            raise ValueError(f"{self.value!r} is no Droplet's id")
        return self


def replace_rules(call: Call, cluster: DatabaseCluster, rules: list[Rule]) -> None:
    """Raises UnprocessableEntityError for a source that isn't there."""
    if len(rules) > MOST_RULES:
        raise UnprocessableEntityError(
            f"a cluster may have at most {MOST_RULES} trusted sources, not {len(rules)}"
        )
    for rule in rules:
        _check_there(call, rule)
    known = {(rule["type"], rule["value"]): rule for rule in cluster.rules}
    wanted = {(rule.type, rule.value): rule for rule in rules}
    cluster.rules = [known.get(key) or _kept(call, rule) for key, rule in wanted.items()]
    call.cloud.sync_policies(call.session, call.account.id)


def add_user(call: Call, cluster: DatabaseCluster, name: str) -> DatabaseUser:
    """Raises UnprocessableEntityError for a taken name."""
    _require_pg(cluster, "User")
    taken = name == cluster.admin_user or call.session.get(DatabaseUser, (cluster.id, name)) is not None
    if taken:
        raise UnprocessableEntityError(f"user {name} already exists")
    user = DatabaseUser(cluster_id=cluster.id, name=name, password=new_password())
    call.session.add(user)
    call.cloud.hypervisor.create_database_user(cluster.id, name, user.password)
    return user


def find_user(call: Call, cluster: DatabaseCluster, name: str) -> DatabaseUser:
    """Raises NotFoundError."""
    user = call.session.get(DatabaseUser, (cluster.id, name))
    if user is None:
        raise NotFoundError("user not found")
    return user


def reset_password(call: Call, cluster: DatabaseCluster, name: str) -> str:
    """The new one, which is the server's already."""
    _require_pg(cluster, "User")
    password = new_password()
    if name == cluster.admin_user:
        cluster.admin_password = password
    else:
        find_user(call, cluster, name).password = password
    call.cloud.hypervisor.create_database_user(cluster.id, name, password)
    return password


def delete_user(call: Call, cluster: DatabaseCluster, name: str) -> None:
    if name == cluster.admin_user:
        raise ForbiddenError(f"{name} is the cluster's own user and can't be deleted")
    user = find_user(call, cluster, name)
    call.cloud.hypervisor.delete_database_user(cluster.id, name)
    call.session.delete(user)


def add_database(call: Call, cluster: DatabaseCluster, name: str) -> Database:
    """Raises UnprocessableEntityError for a taken name."""
    _require_pg(cluster, "Database")
    if call.session.get(Database, (cluster.id, name)):
        raise UnprocessableEntityError(f"database {name} already exists")
    database = Database(cluster_id=cluster.id, name=name)
    call.session.add(database)
    call.cloud.hypervisor.create_database(cluster.id, name)
    return database


def find_database(call: Call, cluster: DatabaseCluster, name: str) -> Database:
    """Raises NotFoundError."""
    database = call.session.get(Database, (cluster.id, name))
    if database is None:
        raise NotFoundError("database not found")
    return database


def delete_database(call: Call, cluster: DatabaseCluster, name: str) -> None:
    """Raises NotFoundError, and ForbiddenError for the default one, as DigitalOcean does."""
    if name == ENGINES[cluster.engine].default_database:
        raise ForbiddenError(f"{name} is the cluster's default database and can't be deleted")
    database = find_database(call, cluster, name)
    call.cloud.hypervisor.delete_database(cluster.id, name)
    call.session.delete(database)


def _check_there(call: Call, rule: Rule) -> None:
    if rule.type == "tag" and missing_tags(call, [rule.value]):
        raise UnprocessableEntityError(f"tag {rule.value} does not exist: create it first")
    if rule.type == "droplet":
        droplet = call.session.get(Droplet, int(rule.value))
        if droplet is None or droplet.account_id != call.account.id or droplet.deleting:
            raise UnprocessableEntityError(f"droplet {rule.value} was not found")


def _kept(call: Call, rule: Rule) -> dict[str, Any]:
    return {
        "uuid": call.cloud.ids.uuid(call.session, "rule"),
        "type": rule.type,
        "value": rule.value,
        "description": rule.description or "",
        "created_at": written(now()),
    }


def _require_pg(cluster: DatabaseCluster, what: str) -> None:
    if cluster.engine != "pg":
        raise UnprocessableEntityError(f"{what} management is not supported for Valkey clusters")
