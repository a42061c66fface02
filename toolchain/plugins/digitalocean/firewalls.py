"""Cloud firewalls: their rules are nested in the API and flat in Pulumi."""

from collections.abc import Mapping
from typing import Any, ClassVar

from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.translate import present

PEERS = {
    "Addresses": "addresses",
    "DropletIds": "droplet_ids",
    "KubernetesIds": "kubernetes_ids",
    "LoadBalancerUids": "load_balancer_uids",
    "Tags": "tags",
}
ALL_PORTS = frozenset({"0", "all"})
"""The API answers "0" where the port range was given as "all", and for icmp, which has none."""
DIRECTIONS = (("inboundRules", "inbound_rules", "source"), ("outboundRules", "outbound_rules", "destination"))


class Firewall(Collection):
    token = "digitalocean:index/firewall:Firewall"
    group, envelope, plural = "firewalls", "firewall", "firewalls"
    unsent: ClassVar[frozenset[str]] = frozenset({"inboundRules", "outboundRules"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        return {
            name: f"portRange is required in {name}[{index}] because its protocol is {rule['protocol']}"
            for name, _, _ in DIRECTIONS
            if isinstance(inputs.get(name), list)
            for index, rule in enumerate(inputs[name])
            if isinstance(rule, Mapping)
            and rule.get("protocol") in ("tcp", "udp")
            and rule.get("portRange") is None
        }

    def body(self, inputs: Mapping[str, Any]) -> Json:
        rules = {
            key: [_rule_to_api(rule, side) for rule in inputs.get(name) or []]
            for name, key, side in DIRECTIONS
        }
        lists = {"droplet_ids": inputs.get("dropletIds") or [], "tags": inputs.get("tags") or []}
        return {"name": inputs["name"], **lists, **rules}

    def state(self, thing: Json) -> Properties:
        rules = {
            name: [_rule_from_api(rule, side) for rule in thing.get(key) or []]
            for name, key, side in DIRECTIONS
        }
        lists = {"dropletIds": thing.get("droplet_ids") or [], "tags": thing.get("tags") or []}
        flat = {key: value for key, value in thing.items() if key not in ("inbound_rules", "outbound_rules")}
        return {**super().state(flat), **lists, **rules}


def _rule_to_api(rule: Mapping[str, Any], side: str) -> Json:
    peers = {key: rule[side + name] for name, key in PEERS.items() if rule.get(side + name)}
    group = "sources" if side == "source" else "destinations"
    return present({"protocol": rule["protocol"], "ports": rule.get("portRange"), group: peers})


def _rule_from_api(rule: Json, side: str) -> Properties:
    peers = rule.get("sources" if side == "source" else "destinations") or {}
    flat = {side + name: peers[key] for name, key in PEERS.items() if peers.get(key)}
    ports = rule.get("ports")
    if str(ports) in ALL_PORTS:
        ports = None if rule["protocol"] == "icmp" else "all"
    return present({"protocol": rule["protocol"], "portRange": ports or None, **flat})
