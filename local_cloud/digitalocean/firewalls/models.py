"""Cloud firewalls: their rules, and which droplets and tags they are attached to.

Limits: 10 droplets, 5 tags and 50 rules a firewall (DigitalOcean's documentation of cloud firewalls).
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.errors import BadRequestError, ConflictError
from local_cloud.digitalocean.policies import firewalls_of
from local_cloud.digitalocean.tables import Droplet, Firewall
from local_cloud.digitalocean.tags.models import missing_tags, tags_of

MOST_DROPLETS, MOST_TAGS, MOST_RULES = 10, 5, 50

Rules = list[dict[str, Any]]


def create_firewall(call: Call, name: str) -> Firewall:
    """An empty one; `replace` fills it. Raises ConflictError for a taken name."""
    check_name_free(call, name)
    return Firewall(
        id=call.cloud.ids.uuid(call.session, "firewall"),
        account_id=call.account.id,
        name=name,
        created_at=now(),
    )


def replace(
    call: Call, firewall: Firewall, inbound: Rules, outbound: Rules, droplet_ids: list[int], tags: list[str]
) -> None:
    """Sets everything, and makes it real. Raises BadRequestError, before anything is changed."""
    droplet_ids, tags = list(dict.fromkeys(droplet_ids)), list(dict.fromkeys(tags))
    _check(call, [*inbound, *outbound], droplet_ids, tags)
    firewall.inbound_rules, firewall.outbound_rules = inbound, outbound
    firewall.droplet_ids, firewall.tags = droplet_ids, tags
    call.session.add(firewall)
    call.cloud.sync_policies(call.session, call.account.id)


def list_firewalls(call: Call) -> list[Firewall]:
    mine = select(Firewall).where(Firewall.account_id == call.account.id)
    return list(call.session.scalars(mine.order_by(Firewall.created_at, Firewall.id)))


def list_of_droplet(call: Call, droplet_id: int) -> list[Firewall]:
    tags = [tag.lower() for tag in tags_of(call, "droplet", droplet_id)]
    return firewalls_of(droplet_id, list_firewalls(call), tags)


def delete_firewall(call: Call, firewall: Firewall) -> None:
    call.session.delete(firewall)
    call.cloud.sync_policies(call.session, call.account.id)


def check_name_free(call: Call, name: str, but: str | None = None) -> None:
    if any(firewall.name == name and firewall.id != but for firewall in list_firewalls(call)):
        raise ConflictError("duplicate name")


def _check(call: Call, rules: Rules, droplet_ids: list[int], tags: list[str]) -> None:
    if not rules:
        raise BadRequestError("one of inbound_rules or outbound_rules must be specified")
    for count, most, what in (
        (len(droplet_ids), MOST_DROPLETS, "droplets"),
        (len(tags), MOST_TAGS, "tags"),
        (len(rules), MOST_RULES, "rules"),
    ):
        if count > most:
            raise BadRequestError(f"a firewall may have at most {most} {what}, not {count}")
    ends = [rule.get("sources") or rule.get("destinations") or {} for rule in rules]
    _check_droplets(call, {*droplet_ids, *(one for end in ends for one in end.get("droplet_ids", ()))})
    _check_tags(call, {*tags, *(one for end in ends for one in end.get("tags", ()))})


def _check_droplets(call: Call, droplet_ids: Iterable[int]) -> None:
    for droplet_id in sorted(droplet_ids):
        droplet = call.session.get(Droplet, droplet_id)
        if droplet is None or droplet.account_id != call.account.id or droplet.deleting:
            raise BadRequestError(f"droplet {droplet_id} was not found")


def _check_tags(call: Call, tags: Iterable[str]) -> None:
    if missing := missing_tags(call, sorted(tags)):
        raise BadRequestError(f"tag {missing[0]} does not exist: create it first")
