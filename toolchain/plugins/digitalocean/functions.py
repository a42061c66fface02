"""The functions of the package (`getVpc`, …): what exists already, as its resource's state would be."""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import camel
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Api, Json
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.filters import chosen

PREFIX = "digitalocean:index/"


@dataclass(frozen=True)
class One:
    """A function that finds one thing: by its id, or by fields among all that are listed."""

    resource: str
    id: str | None = "id"
    """The argument that is the id of the thing."""
    by: tuple[str, ...] = ("name",)
    """The arguments to look for in a list, spelled as the API spells its fields."""


@dataclass(frozen=True)
class Many:
    """A function that lists, with `filters` and `sorts`."""

    operation: str
    key: str
    resource: str | None = None


ONE: Mapping[str, One] = {
    "getCertificate": One("certificate:Certificate", id="name"),
    "getDatabaseCluster": One("databaseCluster:DatabaseCluster", id=None),
    "getDomain": One("domain:Domain", id="name"),
    "getDroplet": One("droplet:Droplet"),
    "getFirewall": One("firewall:Firewall", id="firewallId"),
    "getLoadBalancer": One("loadBalancer:LoadBalancer"),
    "getProject": One("project:Project"),
    "getReservedIp": One("reservedIp:ReservedIp", id="ipAddress"),
    "getSshKey": One("sshKey:SshKey", id=None),
    "getTag": One("tag:Tag", id="name"),
    "getVolume": One("volume:Volume", id=None),
    "getVpc": One("vpc:Vpc", by=("name", "region")),
    "getVpcNatGateway": One("vpcNatGateway:VpcNatGateway"),
    "getVpcPeering": One("vpcPeering:VpcPeering"),
}
PARTS: Mapping[str, str] = {
    "getDatabaseConnectionPool": "databaseConnectionPool:DatabaseConnectionPool",
    "getDatabaseReplica": "databaseReplica:DatabaseReplica",
    "getDatabaseUser": "databaseUser:DatabaseUser",
}
MANY: Mapping[str, Many] = {
    "getDomains": Many("domains.list", "domains"),
    "getDroplets": Many("droplets.list", "droplets", "droplet:Droplet"),
    "getImages": Many("images.list", "images"),
    "getProjects": Many("projects.list", "projects", "project:Project"),
    "getRegions": Many("regions.list", "regions"),
    "getSizes": Many("sizes.list", "sizes"),
    "getSshKeys": Many("ssh_keys.list", "ssh_keys"),
    "getTags": Many("tags.list", "tags", "tag:Tag"),
}


class Functions:
    """The functions, over the API and the resources' own way to read it."""

    def __init__(self, api: Api, resources: Mapping[str, Resource]) -> None:
        self._api = api
        self._resources = resources
        self._special: Mapping[str, Callable[[Mapping[str, Any]], Properties]] = {
            "getAccount": self._account,
            "getDatabaseCa": self._database_ca,
            "getImage": self._image,
            "getRegion": self._region,
        }

    def call(self, token: str, arguments: Mapping[str, Any]) -> Properties:
        """The result. Raises ProviderError: nothing (or too much) found, or a function that isn't there."""
        name = token.rsplit(":", 1)[-1]
        if special := self._special.get(name):
            return special(arguments)
        if name in ONE:
            return self._one(name, ONE[name], arguments)
        if name in PARTS:
            return self._part(name, arguments)
        if name in MANY:
            return self._many(MANY[name], arguments)
        raise ProviderError(
            f"{token}: the stand-in for digitalocean lacks this function; it has {', '.join(self.names)}"
        )

    @property
    def names(self) -> list[str]:
        """The functions that there are."""
        return sorted([*self._special, *ONE, *PARTS, *MANY])

    def _handler(self, name: str) -> Collection:
        handler = self._resources[PREFIX + name]
        if not isinstance(handler, Collection):
            raise TypeError(f"{name} is not a collection")
        return handler

    def _one(self, name: str, function: One, arguments: Mapping[str, Any]) -> Properties:
        handler = self._handler(function.resource)
        if function.id and arguments.get(function.id):
            identity = str(arguments[function.id])
            thing = handler.get(identity, {})
            if thing is None:
                raise ProviderError(f"{name}: {identity} does not exist")
        else:
            thing = self._found(name, handler, function, arguments)
        return _result(handler, thing, arguments)

    def _found(self, name: str, handler: Collection, function: One, arguments: Mapping[str, Any]) -> Json:
        wanted = {key: arguments[key] for key in function.by if arguments.get(key)}
        if not wanted:
            raise ProviderError(f"{name} needs {' or '.join(filter(None, [function.id, *function.by]))}")
        matching = [
            each for each in self._listed(handler) if all(each.get(key) == wanted[key] for key in wanted)
        ]
        if "region" in wanted and len(matching) > 1 and "name" not in wanted:
            matching = [each for each in matching if each.get("default")]
        if len(matching) != 1:
            said = ", ".join(f"{key} {value}" for key, value in wanted.items())
            raise ProviderError(f"{name}: {len(matching) or 'nothing'} with {said}; one is needed")
        return matching[0]

    def _listed(self, handler: Collection) -> Iterable[Json]:
        operation = handler.operation("list")
        if operation == "databases.list_clusters":  # it knows no pages
            found: list[Json] = self._api.call(operation).get(handler.plural) or []
            return found
        return self._api.items(operation, handler.plural)

    def _part(self, name: str, arguments: Mapping[str, Any]) -> Properties:
        handler = self._handler(PARTS[name])
        identity = f"{arguments.get('clusterId')},{arguments.get('name')}"
        reading = handler.read(identity, {})
        if reading is None:
            raise ProviderError(f"{name}: {identity} does not exist")
        return {**arguments, **reading.state, "id": reading.id}

    def _many(self, function: Many, arguments: Mapping[str, Any]) -> Properties:
        things = []
        for thing in self._api.items(function.operation, function.key):
            if function.resource:
                handler = self._handler(function.resource)
                found = {**_result(handler, thing, {}), "id": thing.get("id")}
            else:
                found = spelled(thing)
            things.append({key: value for key, value in found.items() if value is not None})
        key = camel(function.key)
        return {**arguments, "id": function.key, key: chosen(things, arguments)}

    def _account(self, arguments: Mapping[str, Any]) -> Properties:
        del arguments
        account = self._api.call("account.get")["account"]
        return {**spelled(account), "id": account["uuid"]}

    def _database_ca(self, arguments: Mapping[str, Any]) -> Properties:
        cluster = str(arguments["clusterId"])
        answer = self._api.call("databases.get_ca", cluster)["ca"]
        pem = _decoded(answer["certificate"])
        return {"clusterId": cluster, "id": cluster, "certificate": pem}

    def _region(self, arguments: Mapping[str, Any]) -> Properties:
        for region in self._api.items("regions.list", "regions"):
            if region["slug"] == arguments.get("slug"):
                return {**spelled(region), "id": region["slug"]}
        raise ProviderError(f"getRegion: there is no region {arguments.get('slug')}; see getRegions")

    def _image(self, arguments: Mapping[str, Any]) -> Properties:
        wanted = arguments.get("id") or arguments.get("slug")
        if wanted:
            image = self._api.call("images.get", wanted)["image"]
        else:
            named = [
                each
                for each in self._api.items("images.list", "images", private=True)
                if each["name"] == arguments.get("name")
            ]
            if len(named) != 1:
                raise ProviderError(f"getImage: {len(named) or 'no'} image named {arguments.get('name')}")
            image = named[0]
        return {**spelled(image), "image": str(image["id"]), "id": image["id"]}


def _result(handler: Collection, thing: Json, arguments: Mapping[str, Any]) -> Properties:
    state = {**arguments, **handler.state(thing), "id": handler.identify(thing, arguments)}
    urns = [value for key, value in state.items() if key.endswith("Urn")]
    return {
        **{key: value for key, value in state.items() if value is not None},
        **({"urn": urns[0]} if urns else {}),
    }


def _decoded(certificate: str) -> str:
    """The API sends PEM in base64; the function gives the PEM."""
    if certificate.startswith("-----"):
        return certificate
    return base64.b64decode(certificate).decode()


def spelled(value: Any) -> Any:
    """The API's answer with every key in camelCase."""
    if isinstance(value, Mapping):
        return {camel(key): spelled(item) for key, item in value.items()}
    return [spelled(item) for item in value] if isinstance(value, list) else value
