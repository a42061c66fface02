"""Domains and their records, certificates, load balancers."""

import hashlib
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection, Readiness
from toolchain.plugins.digitalocean.translate import present


def _sha1(text: str) -> str:
    """What the official provider keeps of a key or a certificate."""
    return hashlib.sha1(text.strip().encode(), usedforsecurity=False).hexdigest()


class Domain(Collection):
    token = "digitalocean:index/domain:Domain"
    group, envelope, plural = "domains", "domain", "domains"

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        del inputs
        return str(thing["name"])

    def state(self, thing: Json) -> Properties:
        return {**super().state(thing), "domainUrn": f"do:domain:{thing['name']}"}


class DnsRecord(Collection):
    """Imported as `<domain>,<record id>`."""

    token = "digitalocean:index/dnsRecord:DnsRecord"
    group, envelope, plural = "domains", "domain_record", "domain_records"
    operations = {
        "create": "create_record",
        "get": "get_record",
        "update": "update_record",
        "delete": "delete_record",
        "list": "list_records",
    }
    renames = {"value": "data"}
    unsent = frozenset({"domain"})
    kept = frozenset({"flags", "port", "priority", "ttl", "weight"})

    def parents(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (values["domain"],)

    def locate(self, id: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        domain, record = self._parts(id, state)
        return domain, int(record)

    def read(self, id: str, state: Properties) -> Reading | None:
        domain, record = self._parts(id, state)
        thing = self.get(id, state)
        if thing is None:
            return None
        name = thing.get("name")
        fqdn = domain if name in ("@", None) else f"{name}.{domain}"
        return Reading(record, {**self.state(thing), "domain": domain, "fqdn": fqdn})

    def create(self, inputs: Properties) -> Reading:
        made = super().create(inputs)
        name, domain = inputs["name"], inputs["domain"]
        return Reading(made.id, {**made.state, "fqdn": domain if name == "@" else f"{name}.{domain}"})

    def same(self, name: str, old: Any, new: Any) -> bool:  # a trailing dot is optional
        return name in ("name", "value") and str(old or "").rstrip(".") == str(new or "").rstrip(".")

    def is_what_was_asked(self, thing: Json, inputs: Mapping[str, Any]) -> bool:
        asked = self.body(inputs)
        return all(thing.get(key) == asked[key] for key in ("name", "type", "data"))

    @staticmethod
    def _parts(id: str, state: Mapping[str, Any]) -> tuple[str, str]:
        domain, comma, record = id.rpartition(",")
        found = domain if comma else state.get("domain")
        if not found or not record.isdigit():
            raise ProviderError(f'"{id}" is no id of a record; write <domain>,<record id>')
        return str(found), record


class Certificate(Collection):
    """Its id is its name, as in the official provider: renewing changes the id at DigitalOcean."""

    token = "digitalocean:index/certificate:Certificate"
    group, envelope, plural = "certificates", "certificate", "certificates"
    renames = {"domains": "dns_names", "uuid": "id", "sha1Fingerprint": "sha1_fingerprint"}
    defaults = {"type": "custom"}
    kept = frozenset({"domains"})
    digests = {"privateKey": _sha1, "leafCertificate": _sha1, "certificateChain": _sha1}
    readiness = Readiness("state", frozenset({"verified"}), frozenset({"error"}))

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        del inputs
        return str(thing["name"])

    def get(self, id: str, state: Mapping[str, Any]) -> Json | None:
        del state
        named = (each for each in self.api.items("certificates.list", "certificates") if each["name"] == id)
        return next(named, None)

    def delete(self, id: str, state: Properties) -> None:
        if found := self.get(id, state):
            super().delete(str(found["id"]), state)


class LoadBalancer(Collection):
    token = "digitalocean:index/loadBalancer:LoadBalancer"
    group, envelope, plural = "load_balancers", "load_balancer", "load_balancers"
    renames = {"dropletTag": "tag", "healthcheck": "health_check"}
    defaults = {
        "algorithm": "round_robin",
        "disableLetsEncryptDnsRecords": False,
        "enableBackendKeepalive": False,
        "enableProxyProtocol": False,
        "redirectHttpToHttps": False,
    }
    kept = frozenset(
        {
            "dropletIds",
            "forwardingRules",
            "healthcheck",
            "httpIdleTimeoutSeconds",
            "network",
            "networkStack",
            "projectId",
            "region",
            "size",
            "sizeUnit",
            "stickySessions",
            "tlsCipherPolicy",
            "type",
            "vpcUuid",
        }
    )
    lowered = frozenset({"region"})
    nested_computed = frozenset(
        {
            "certificateId",
            "certificateName",
            "isManaged",
            "verificationErrorReasons",
            "sslValidationErrorReasons",
        }
    )
    readiness = Readiness("status", frozenset({"active"}), frozenset({"errored"}))

    def body(self, inputs: Mapping[str, Any]) -> Json:
        body = super().body(inputs)
        if firewall := inputs.get("firewall"):
            body["firewall"] = present({"allow": firewall.get("allows"), "deny": firewall.get("denies")})
        return body

    def state(self, thing: Json) -> Properties:
        firewall = thing.get("firewall") or {}
        spelled = present({"allows": firewall.get("allow"), "denies": firewall.get("deny")})
        urn = f"do:loadbalancer:{thing['id']}"
        return {**super().state({**thing, "firewall": spelled or None}), "loadBalancerUrn": urn}
