"""The tailnet's DNS: piece by piece, or all of it in one resource."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Json
from toolchain.plugins.tailscale.kinds import Setting, TailscaleResource

NO_NAMESERVER = "there must be one at least; to have none, leave the resource out"


class DnsNameservers(Setting):
    token = "tailscale:index/dnsNameservers:DnsNameservers"

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        return {"nameservers": NO_NAMESERVER} if inputs.get("nameservers") == [] else {}

    def write(self, inputs: Mapping[str, Any]) -> None:
        self.api.set(self.api.tailnet("dns", "nameservers"), {"dns": inputs["nameservers"]})

    def current(self) -> Properties:
        return {"nameservers": self.api.get(self.api.tailnet("dns", "nameservers")).get("dns") or []}

    def reset(self, state: Properties) -> None:
        self.write({"nameservers": []})


class DnsPreferences(Setting):
    token = "tailscale:index/dnsPreferences:DnsPreferences"

    def write(self, inputs: Mapping[str, Any]) -> None:
        self.api.set(self.api.tailnet("dns", "preferences"), {"magicDNS": inputs["magicDns"]})

    def current(self) -> Properties:
        return {"magicDns": bool(self.api.get(self.api.tailnet("dns", "preferences")).get("magicDNS"))}

    def reset(self, state: Properties) -> None:
        self.write({"magicDns": False})


class DnsSearchPaths(Setting):
    token = "tailscale:index/dnsSearchPaths:DnsSearchPaths"

    def write(self, inputs: Mapping[str, Any]) -> None:
        self.api.set(self.api.tailnet("dns", "searchpaths"), {"searchPaths": inputs["searchPaths"]})

    def current(self) -> Properties:
        return {"searchPaths": self.api.get(self.api.tailnet("dns", "searchpaths")).get("searchPaths") or []}

    def reset(self, state: Properties) -> None:
        self.write({"searchPaths": []})


class DnsSplitNameservers(TailscaleResource):
    """The nameservers of one domain, which is its id."""

    token = "tailscale:index/dnsSplitNameservers:DnsSplitNameservers"
    replacing = frozenset({"domain"})

    def create(self, inputs: Properties) -> Reading:
        self._write(inputs["domain"], inputs["nameservers"])
        return Reading(inputs["domain"], {})

    def read(self, id: str, state: Properties) -> Reading | None:
        found = self.api.get(self.api.tailnet("dns", "split-dns")).get(id)
        return Reading(id, {"domain": id, "nameservers": found}) if found else None

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self._write(id, inputs["nameservers"])
        return {}

    def delete(self, id: str, state: Properties) -> None:
        self._write(id, [])

    def _write(self, domain: str, nameservers: list[str]) -> None:
        self.api.set(self.api.tailnet("dns", "split-dns"), {domain: nameservers}, method="PATCH")


class DnsConfiguration(Setting):
    token = "tailscale:index/dnsConfiguration:DnsConfiguration"
    defaults = {"magicDns": True, "overrideLocalDns": False}
    nested_computed = frozenset({"useWithExitNode"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        splits = inputs.get("splitDns")
        empty = isinstance(splits, list) and any(not each.get("nameservers") for each in splits)
        return {"splitDns": f"nameservers: {NO_NAMESERVER}"} if empty else {}

    def write(self, inputs: Mapping[str, Any]) -> None:
        splits = inputs.get("splitDns") or []
        self._set(
            {
                "nameservers": _resolvers(inputs.get("nameservers")),
                "splitDNS": {each["domain"]: _resolvers(each.get("nameservers")) for each in splits},
                "searchPaths": inputs.get("searchPaths") or [],
                "preferences": {
                    "overrideLocalDNS": inputs["overrideLocalDns"],
                    "magicDNS": inputs["magicDns"],
                },
            }
        )

    def current(self) -> Properties:
        said = self.api.get(self.api.tailnet("dns", "configuration"))
        preferences = said.get("preferences") or {}
        splits = said.get("splitDNS") or {}
        return {
            "nameservers": _resolvers(said.get("nameservers")),
            "splitDns": [
                {"domain": domain, "nameservers": _resolvers(each)} for domain, each in sorted(splits.items())
            ],
            "searchPaths": said.get("searchPaths") or [],
            "overrideLocalDns": bool(preferences.get("overrideLocalDNS")),
            "magicDns": bool(preferences.get("magicDNS")),
        }

    def reset(self, state: Properties) -> None:
        self.write({"overrideLocalDns": False, "magicDns": False})

    def _set(self, body: Json) -> None:
        self.api.set(self.api.tailnet("dns", "configuration"), body)


def _resolvers(given: Any) -> list[Json]:
    return [
        {"address": each["address"], "useWithExitNode": bool(each.get("useWithExitNode"))}
        for each in given or ()
    ]
