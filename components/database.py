"""A tenant's PostgreSQL with pgvector: cluster, database, one user a tier, and who may connect.

The extension, the schemas and the users' rights are not made here: only the inside of the VPC reaches the
database, so the guardrail's first boot makes them (components/bootstrap.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_digitalocean as digitalocean

from components.access import DatabaseAccess
from components.bootstrap import AGENTS, GUARDRAIL
from components.flows import Endpoint, clients_of
from components.naming import resource_name, tenant_tag, tier_tag
from components.props import props
from components.resolve import ipv4_of
from components.tokens import VECTOR_DATABASE

DATABASE = "tenant"
"""The one database's name in every tenant's cluster."""

USERS = (AGENTS, GUARDRAIL)


@dataclass(frozen=True, kw_only=True)
class VectorDatabaseArgs:
    """`version` is PostgreSQL's major version. `protect` refuses the data's deletion, whoever asks for it."""

    tenant: str
    region: str
    size: str
    version: str
    node_count: int
    vpc_id: pulumi.Input[str]
    project_id: pulumi.Input[str]
    protect: bool = True
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class VectorDatabase(pulumi.ComponentResource):
    """Reached by `host`, its private name; `address` is what the name stands for, for hosts without DNS."""

    cluster_id: pulumi.Output[str]
    host: pulumi.Output[str]
    address: pulumi.Output[str]
    port: pulumi.Output[int]
    certificate: pulumi.Output[str]
    administrator: pulumi.Output[DatabaseAccess]

    def __init__(
        self, name: str, args: VectorDatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(VECTOR_DATABASE, name, props(args), opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        cluster = self._cluster()
        self.cluster_id = cluster.id
        self.host = cluster.private_host
        self.address = cluster.private_host.apply(ipv4_of)
        self.port = cluster.port
        ca = digitalocean.get_database_ca_output(cluster_id=cluster.id)
        self.certificate = ca.apply(lambda result: result.certificate)
        self._database()
        self._firewall()
        self.administrator = self._access(cluster.user, cluster.password)
        self._users = {user: self._user(user) for user in USERS}
        self.register_outputs(
            {
                "cluster_id": self.cluster_id,
                "host": self.host,
                "address": self.address,
                "port": self.port,
                "certificate": self.certificate,
            }
        )

    def access(self, user: str) -> pulumi.Output[DatabaseAccess]:
        """One of USERS' way in; a secret. Raises KeyError for any other name."""
        return self._access(user, self._users[user].password)

    def _access(self, user: pulumi.Input[str], password: pulumi.Output[str]) -> pulumi.Output[DatabaseAccess]:
        known = pulumi.Output.all(
            host=self.host, port=self.port, user=user, password=password, certificate=self.certificate
        )
        return pulumi.Output.secret(known.apply(lambda values: DatabaseAccess(database=DATABASE, **values)))

    def _cluster(self) -> digitalocean.DatabaseCluster:
        name = resource_name(self._args.tenant, "database", "pg")
        return digitalocean.DatabaseCluster(
            name,
            name=name,
            engine="pg",
            version=self._args.version,
            region=self._args.region,
            size=self._args.size,
            node_count=self._args.node_count,
            private_network_uuid=self._args.vpc_id,
            project_id=self._args.project_id,
            tags=[tenant_tag(self._args.tenant), tier_tag(self._args.tenant, Endpoint.DATABASE)],
            opts=pulumi.ResourceOptions(
                parent=self, protect=self._args.protect, depends_on=list(self._args.after)
            ),
        )

    def _database(self) -> None:
        digitalocean.DatabaseDb(
            resource_name(self._args.tenant, "database", DATABASE),
            name=DATABASE,
            cluster_id=self.cluster_id,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _firewall(self) -> None:
        digitalocean.DatabaseFirewall(
            resource_name(self._args.tenant, "database", "firewall"),
            cluster_id=self.cluster_id,
            rules=[
                {"type": "tag", "value": tier_tag(self._args.tenant, tier)}
                for tier in clients_of(Endpoint.DATABASE)
            ],
            opts=self._child,
        )

    def _user(self, user: str) -> digitalocean.DatabaseUser:
        name = resource_name(self._args.tenant, "database", f"user-{user}")
        return digitalocean.DatabaseUser(name, name=user, cluster_id=self.cluster_id, opts=self._child)
