"""The provider: its settings, its resources, its functions."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from toolchain.plugins.base.calls import Patience
from toolchain.plugins.base.errors import NotConfigured
from toolchain.plugins.base.facts import PackageFacts
from toolchain.plugins.base.provider import Provider, text
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import Properties, is_unknown
from toolchain.plugins.digitalocean import (
    account,
    database_parts,
    databases,
    droplets,
    edge,
    firewalls,
    monitoring,
    networks,
    reserved_ips,
    volumes,
)
from toolchain.plugins.digitalocean.api import Api, Settings
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.functions import Functions

DEFAULT_ENDPOINT = "https://api.digitalocean.com"
TOKEN_VARIABLES = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
RESOURCES: tuple[type[Collection], ...] = (
    account.Project,
    account.ProjectResources,
    account.SshKey,
    account.Tag,
    database_parts.DatabaseConnectionPool,
    database_parts.DatabaseDb,
    database_parts.DatabaseFirewall,
    database_parts.DatabasePostgresqlConfig,
    database_parts.DatabaseReplica,
    database_parts.DatabaseUser,
    database_parts.DatabaseValkeyConfig,
    databases.DatabaseCluster,
    droplets.Droplet,
    droplets.DropletSnapshot,
    edge.Certificate,
    edge.DnsRecord,
    edge.Domain,
    edge.LoadBalancer,
    firewalls.Firewall,
    monitoring.MonitorAlert,
    monitoring.UptimeAlert,
    monitoring.UptimeCheck,
    networks.Vpc,
    networks.VpcNatGateway,
    networks.VpcPeering,
    reserved_ips.ReservedIp,
    reserved_ips.ReservedIpAssignment,
    volumes.Volume,
    volumes.VolumeAttachment,
)
SECRET_RESULTS: Mapping[str, set[str]] = {
    "getDatabaseCluster": {"password", "privateUri", "uiPassword", "uiUri", "uri"},
    "getDatabaseConnectionPool": {"password", "privateUri", "uri"},
    "getDatabaseReplica": {"password", "privateUri", "uri"},
    "getDatabaseUser": {"accessCert", "accessKey", "password"},
}


class DigitalOcean(Provider):
    """The stand-in for the official plugin `digitalocean`."""

    def __init__(self, facts: PackageFacts, version: str) -> None:
        super().__init__(facts, version)
        self._api = Api(self.waiter)
        self._resources = {each.token: each(facts.resources[each.token], self._api) for each in RESOURCES}
        self._functions = Functions(self._api, self._resources)

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def configure(self, settings: Properties) -> None:
        if not is_unknown(settings):  # a preview may not know them yet, and then makes no call
            self._api.configure(connection_settings(settings, os.environ))

    def invoke(self, token: str, arguments: Properties) -> Properties:
        return self._functions.call(token, arguments)

    def secret_results(self, token: str) -> set[str]:
        return SECRET_RESULTS.get(token.rsplit(":", 1)[-1], set())


def connection_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """How to reach the API, from `digitalocean:*` settings and the environment. Raises NotConfigured."""
    token = text(given, "token") or next(filter(None, map(environment.get, TOKEN_VARIABLES)), None)
    if not token:
        raise NotConfigured(
            "no DigitalOcean token: set DIGITALOCEAN_TOKEN in the environment, "
            "or run `pulumi config set --secret digitalocean:token`"
        )
    endpoint = text(given, "apiEndpoint") or environment.get("DIGITALOCEAN_API_URL") or DEFAULT_ENDPOINT
    if urlsplit(endpoint).scheme not in ("http", "https"):
        raise NotConfigured(f"digitalocean:apiEndpoint is {endpoint}; it must begin with https://")
    default = Patience()
    patience = Patience(
        retries=int(given.get("httpRetryMax", default.retries)),
        shortest_wait=float(given.get("httpRetryWaitMin", default.shortest_wait)),
        longest_wait=float(given.get("httpRetryWaitMax", default.longest_wait)),
    )
    return Settings(endpoint.rstrip("/"), token, patience)
