"""/v2/firewalls, and the firewalls of a droplet."""

from typing import Any

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import written
from local_cloud.digitalocean.droplets.models import find_droplet
from local_cloud.digitalocean.firewalls import models
from local_cloud.digitalocean.firewalls.shapes import DropletIds, FirewallBody, RuleLists, Tags
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Firewall

service = Service("real")


def view(firewall: Firewall) -> dict[str, Any]:
    """Always "succeeded": the rules are real before the answer is given."""
    return {
        "id": firewall.id,
        "name": firewall.name,
        "status": "succeeded",
        "inbound_rules": firewall.inbound_rules,
        "outbound_rules": firewall.outbound_rules,
        "created_at": written(firewall.created_at),
        "droplet_ids": firewall.droplet_ids,
        "tags": firewall.tags,
        "pending_changes": [],
    }


@service.get("/v2/firewalls")
def index(call: Call) -> dict[str, Any]:
    return call.page("firewalls", models.list_firewalls(call), view)


@service.post("/v2/firewalls", 202)
def create(call: Call, body: FirewallBody) -> dict[str, Any]:
    firewall = models.create_firewall(call, body.name)
    models.replace(call, firewall, body.inbound(), body.outbound(), body.droplet_ids or [], body.tags or [])
    return {"firewall": view(firewall)}


@service.get("/v2/firewalls/{firewall_id}")
def get(call: Call, firewall_id: str) -> dict[str, Any]:
    return {"firewall": view(call.own(Firewall, firewall_id))}


@service.put("/v2/firewalls/{firewall_id}")
def update(call: Call, firewall_id: str, body: FirewallBody) -> dict[str, Any]:
    firewall = call.own(Firewall, firewall_id)
    models.check_name_free(call, body.name, but=firewall.id)
    firewall.name = body.name
    models.replace(call, firewall, body.inbound(), body.outbound(), body.droplet_ids or [], body.tags or [])
    return {"firewall": view(firewall)}


@service.delete("/v2/firewalls/{firewall_id}")
def delete(call: Call, firewall_id: str) -> None:
    models.delete_firewall(call, call.own(Firewall, firewall_id))


@service.post("/v2/firewalls/{firewall_id}/droplets", 204)
def add_droplets(call: Call, firewall_id: str, body: DropletIds) -> None:
    firewall = call.own(Firewall, firewall_id)
    _reattach(call, firewall, [*firewall.droplet_ids, *body.droplet_ids], firewall.tags)


@service.delete("/v2/firewalls/{firewall_id}/droplets")
def remove_droplets(call: Call, firewall_id: str, body: DropletIds) -> None:
    firewall = call.own(Firewall, firewall_id)
    left = [one for one in firewall.droplet_ids if one not in body.droplet_ids]
    _reattach(call, firewall, left, firewall.tags)


@service.post("/v2/firewalls/{firewall_id}/tags", 204)
def add_tags(call: Call, firewall_id: str, body: Tags) -> None:
    firewall = call.own(Firewall, firewall_id)
    _reattach(call, firewall, firewall.droplet_ids, [*firewall.tags, *body.tags])


@service.delete("/v2/firewalls/{firewall_id}/tags")
def remove_tags(call: Call, firewall_id: str, body: Tags) -> None:
    firewall = call.own(Firewall, firewall_id)
    left = [one for one in firewall.tags if one not in body.tags]
    _reattach(call, firewall, firewall.droplet_ids, left)


@service.post("/v2/firewalls/{firewall_id}/rules", 204)
def add_rules(call: Call, firewall_id: str, body: RuleLists) -> None:
    firewall = call.own(Firewall, firewall_id)
    inbound = [*firewall.inbound_rules, *body.inbound()]
    outbound = [*firewall.outbound_rules, *body.outbound()]
    models.replace(call, firewall, inbound, outbound, firewall.droplet_ids, firewall.tags)


@service.delete("/v2/firewalls/{firewall_id}/rules")
def remove_rules(call: Call, firewall_id: str, body: RuleLists) -> None:
    firewall = call.own(Firewall, firewall_id)
    inbound = [rule for rule in firewall.inbound_rules if rule not in body.inbound()]
    outbound = [rule for rule in firewall.outbound_rules if rule not in body.outbound()]
    models.replace(call, firewall, inbound, outbound, firewall.droplet_ids, firewall.tags)


@service.get("/v2/droplets/{droplet_id:int}/firewalls")
def of_droplet(call: Call, droplet_id: int) -> dict[str, Any]:
    droplet = find_droplet(call, droplet_id)
    return call.page("firewalls", models.list_of_droplet(call, droplet.id), view)


def _reattach(call: Call, firewall: Firewall, droplet_ids: list[int], tags: list[str]) -> None:
    models.replace(call, firewall, firewall.inbound_rules, firewall.outbound_rules, droplet_ids, tags)
