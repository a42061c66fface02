"""/tailnet/{tailnet}/dns."""

from typing import Any

from pydantic import BaseModel, Field

from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.dns import models
from local_cloud.tailscale.dns.models import Address, Configuration, Resolver
from local_cloud.tailscale.service import Service

service = Service("API only", "dns")


class Nameservers(BaseModel):
    dns: list[Address] = []


class MagicDns(BaseModel):
    magic_dns: bool = Field(alias="magicDNS")


class SearchPaths(BaseModel):
    search_paths: list[str] = Field(alias="searchPaths")


@service.get("/tailnet/{tailnet}/dns/nameservers")
def get_nameservers(call: Call) -> dict[str, Any]:
    return {"dns": models.addresses(models.configuration(call).nameservers)}


@service.post("/tailnet/{tailnet}/dns/nameservers")
def set_nameservers(call: Call, body: Nameservers) -> dict[str, Any]:
    known = models.configuration(call)
    known.nameservers = [Resolver(address=address) for address in body.dns]
    models.store(call, known)
    return {"dns": body.dns, "magicDNS": known.preferences.magic_dns}


@service.get("/tailnet/{tailnet}/dns/preferences")
def get_preferences(call: Call) -> dict[str, Any]:
    return {"magicDNS": models.configuration(call).preferences.magic_dns}


@service.post("/tailnet/{tailnet}/dns/preferences")
def set_preferences(call: Call, body: MagicDns) -> dict[str, Any]:
    return {"magicDNS": models.set_magic_dns(call, on=body.magic_dns).preferences.magic_dns}


@service.get("/tailnet/{tailnet}/dns/searchpaths")
def get_search_paths(call: Call) -> dict[str, Any]:
    return {"searchPaths": models.configuration(call).search_paths}


@service.post("/tailnet/{tailnet}/dns/searchpaths")
def set_search_paths(call: Call, body: SearchPaths) -> dict[str, Any]:
    known = models.configuration(call)
    known.search_paths = body.search_paths
    models.store(call, known)
    return {"searchPaths": known.search_paths}


@service.get("/tailnet/{tailnet}/dns/split-dns")
def get_split_dns(call: Call) -> dict[str, Any]:
    return dict(models.split_dns(models.configuration(call)))


@service.patch("/tailnet/{tailnet}/dns/split-dns")
def update_split_dns(call: Call, body: dict[str, list[Address] | None]) -> dict[str, Any]:
    return dict(models.set_split_dns(call, body, whole=False))


@service.put("/tailnet/{tailnet}/dns/split-dns")
def set_split_dns(call: Call, body: dict[str, list[Address] | None]) -> dict[str, Any]:
    return dict(models.set_split_dns(call, body, whole=True))


@service.get("/tailnet/{tailnet}/dns/configuration")
def get_configuration(call: Call) -> dict[str, Any]:
    return models.configuration(call).model_dump(by_alias=True)


@service.post("/tailnet/{tailnet}/dns/configuration")
def set_configuration(call: Call, body: Configuration) -> dict[str, Any]:
    models.store(call, body)
    return body.model_dump(by_alias=True)
