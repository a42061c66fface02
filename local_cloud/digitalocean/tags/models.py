"""Tags: names without regard to case, shown as first written; on droplets, databases and volumes."""

import re
from collections.abc import Iterable

from sqlalchemy import delete, func, select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.errors import NotFoundError, UnprocessableEntityError
from local_cloud.digitalocean.tables import DatabaseCluster, Droplet, Tag, Tagging, Volume

NAME = re.compile(r"[A-Za-z0-9:_-]{1,255}")
TABLES: dict[str, type[Droplet | DatabaseCluster | Volume]] = {
    "droplet": Droplet,
    "database": DatabaseCluster,
    "volume": Volume,
}
ABSENT_TYPES = ("image", "volume_snapshot")
PLURALS = {
    "droplet": "droplets",
    "image": "images",
    "volume": "volumes",
    "volume_snapshot": "volume_snapshots",
    "database": "databases",
}


def ensure_tag(call: Call, name: str) -> Tag:
    """The tag of that name, made if need be. Raises UnprocessableEntityError for a bad name."""
    if not NAME.fullmatch(name):
        raise UnprocessableEntityError(
            f"Tag {name!r} is invalid: use letters, numbers, colons, dashes and underscores, at most 255"
        )
    tag = _by_name(call, name)
    if tag is None:
        tag = Tag(account_id=call.account.id, name=name, folded_name=name.lower())
        call.session.add(tag)
        call.session.flush()
    return tag


def find_tag(call: Call, name: str) -> Tag:
    """Raises NotFoundError."""
    tag = _by_name(call, name)
    if tag is None:
        raise NotFoundError
    return tag


def missing_tags(call: Call, names: Iterable[str]) -> list[str]:
    return [name for name in names if _by_name(call, name) is None]


def list_tags(call: Call) -> list[Tag]:
    mine = select(Tag).where(Tag.account_id == call.account.id).order_by(Tag.name)
    return list(call.session.scalars(mine))


def tags_of(call: Call, resource_type: str, resource_id: object) -> list[str]:
    """Names of the tags that a resource carries, in the order it was given them."""
    return list(
        call.session.scalars(
            select(Tag.name)
            .join(Tagging, Tagging.tag_id == Tag.id)
            .where(
                Tag.account_id == call.account.id,
                Tagging.resource_type == resource_type,
                Tagging.resource_id == str(resource_id),
            )
            .order_by(Tagging.order)
        )
    )


def attach_tags(call: Call, resource_type: str, resource_id: object, names: Iterable[str]) -> None:
    for name in names:
        tag = ensure_tag(call, name)
        key = (tag.id, resource_type, str(resource_id))
        if call.session.get(Tagging, key) is None:
            highest = call.session.scalar(select(func.max(Tagging.order))) or 0
            call.session.add(
                Tagging(
                    account_id=call.account.id,
                    tag_id=tag.id,
                    resource_type=resource_type,
                    resource_id=str(resource_id),
                    order=highest + 1,
                )
            )
            call.session.flush()


def detach_tag(call: Call, tag: Tag, resource_type: str, resource_id: str) -> None:
    tagging = call.session.get(Tagging, (tag.id, resource_type, resource_id))
    if tagging is not None:
        call.session.delete(tagging)


def check_taggable(call: Call, resource_type: str, resource_id: str) -> None:
    """Raises UnprocessableEntityError for what can't be tagged, NotFoundError for what isn't there."""
    if resource_type in ABSENT_TYPES:
        raise NotFoundError
    table = TABLES.get(resource_type)
    if table is None:
        raise UnprocessableEntityError(f"{resource_type} is an invalid resource type")
    if table is Droplet and not resource_id.isdecimal():
        raise NotFoundError
    row = call.own(table, int(resource_id) if table is Droplet else resource_id)
    if getattr(row, "deleting", False):
        raise NotFoundError


def tagged_ids(call: Call, name: str, resource_type: str) -> set[str]:
    """Ids of what carries the tag; nothing for a tag that isn't there."""
    tag = _by_name(call, name)
    if tag is None:
        return set()
    return set(
        call.session.scalars(
            select(Tagging.resource_id).where(
                Tagging.tag_id == tag.id, Tagging.resource_type == resource_type
            )
        )
    )


def delete_tag(call: Call, tag: Tag) -> None:
    call.session.execute(delete(Tagging).where(Tagging.tag_id == tag.id))
    call.session.delete(tag)
    call.cloud.sync_policies(call.session, call.account.id)


def taggings(call: Call, tag: Tag) -> list[Tagging]:
    return list(call.session.scalars(select(Tagging).where(Tagging.tag_id == tag.id).order_by(Tagging.order)))


def _by_name(call: Call, name: str) -> Tag | None:
    return call.session.scalar(
        select(Tag).where(Tag.account_id == call.account.id, Tag.folded_name == name.lower())
    )
