"""Droplets: making them, finding them, deleting them."""

import re
from dataclasses import dataclass

from sqlalchemy import func, select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.images import IMAGES, find_image
from local_cloud.digitalocean.catalogue.regions import NAMES
from local_cloud.digitalocean.catalogue.sizes import SIZES, Size
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.droplets.errors import (
    InvalidForCreationError,
    LimitExceededError,
    NoSuchMachineHereError,
)
from local_cloud.digitalocean.errors import NotFoundError, UnprocessableEntityError
from local_cloud.digitalocean.keys.models import find_key
from local_cloud.digitalocean.projects.models import assign_new
from local_cloud.digitalocean.tables import Action, Droplet, Volume, Vpc
from local_cloud.digitalocean.tags.models import attach_tags, tagged_ids
from local_cloud.digitalocean.vpcs.models import allocate_private, allocate_public, default_vpc

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
LONGEST_NAME = 255
DEFAULT_REGION = "nyc3"
BOOTABLE = ("debian-12-x64",)
"""Images that the hypervisor has a machine for."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a caller wants of each of the droplets that it creates, checked for form only."""

    names: tuple[str, ...]
    region: str | None
    size: str
    image: str | int
    ssh_keys: tuple[str | int, ...]
    vpc_uuid: str | None
    public_networking: bool
    monitoring: bool
    agent: bool
    user_data: str | None
    tags: tuple[str, ...]
    volumes: tuple[str, ...]


def create_droplets(call: Call, order: Order) -> list[tuple[Droplet, Action]]:
    """Raises UnprocessableEntityError, in DigitalOcean's words, before anything is made."""
    for name in order.names:
        check_name(name)
    size = _size(order.size)
    image = check_image(order.image)
    vpc, region = _place(call, order)
    if not size.offered_in(region):
        raise UnprocessableEntityError("Size is not available in this region.")
    public_keys = _public_keys(call, order.ssh_keys)
    volumes = _volumes(call, order, region)
    if len(order.names) + _count(call) > call.account.droplet_limit:
        raise LimitExceededError
    vpc = vpc or default_vpc(call, region)
    made = [_add(call, order, name, size, image, vpc, public_keys) for name in order.names]
    for volume in volumes:
        volume.droplet_id = made[0].id
    call.cloud.sync_policies(call.session, call.account.id)
    return [(droplet, call.start("droplet.create", ("droplet", str(droplet.id)), region)) for droplet in made]


def find_droplet(call: Call, droplet_id: int) -> Droplet:
    """Raises NotFoundError, also for one that is being deleted."""
    droplet = call.own(Droplet, droplet_id)
    if droplet.deleting:
        raise NotFoundError
    return droplet


def list_droplets(call: Call, tag: str | None = None, name: str | None = None) -> list[Droplet]:
    query = select(Droplet).where(Droplet.account_id == call.account.id, Droplet.deleting.is_(False))
    if name is not None:
        query = query.where(func.lower(Droplet.name) == name.lower())
    droplets = list(call.session.scalars(query.order_by(Droplet.id)))
    if tag is None:
        return droplets
    tagged = tagged_ids(call, tag, "droplet")
    return [droplet for droplet in droplets if str(droplet.id) in tagged]


def start_deletion(call: Call, droplet: Droplet) -> None:
    """Hides it at once; it keeps its addresses, and its place in the VPC, until it is really gone."""
    droplet.deleting = True
    call.cloud.sync_policies(call.session, call.account.id)
    action = call.start("droplet.delete", ("droplet", str(droplet.id)), droplet.region)
    call.await_outcome(action)


def check_name(name: str) -> None:
    """Raises UnprocessableEntityError."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise UnprocessableEntityError("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")


def check_image(reference: str | int) -> str:
    """The slug. Raises InvalidForCreationError, or NoSuchMachineHereError for DigitalOcean's other images."""
    image = find_image(reference)
    if image is None:
        raise InvalidForCreationError("image")
    if image.slug not in BOOTABLE:
        raise NoSuchMachineHereError(image.slug, BOOTABLE)
    return IMAGES[image.slug].slug


def _size(slug: str) -> Size:
    if slug not in SIZES:
        raise InvalidForCreationError("size")
    return SIZES[slug]


def _place(call: Call, order: Order) -> tuple[Vpc | None, str]:
    vpc = call.session.get(Vpc, order.vpc_uuid) if order.vpc_uuid else None
    if order.vpc_uuid and (vpc is None or vpc.account_id != call.account.id):
        raise UnprocessableEntityError(f"VPC {order.vpc_uuid} was not found in your account")
    region = order.region or (vpc.region if vpc else DEFAULT_REGION)
    if region not in NAMES:
        raise InvalidForCreationError("region")
    if vpc is not None and vpc.region != region:
        raise UnprocessableEntityError(
            f"Droplet region {region} must match VPC region {vpc.region} of VPC {vpc.name}"
        )
    return vpc, region


def _public_keys(call: Call, identifiers: tuple[str | int, ...]) -> list[str]:
    keys = []
    for identifier in identifiers:
        try:
            keys.append(find_key(call, identifier).public_key)
        except NotFoundError as error:
            message = f"{identifier} are invalid key identifiers for Droplet creation."
            raise UnprocessableEntityError(message) from error
    return keys


def _volumes(call: Call, order: Order, region: str) -> list[Volume]:
    volumes = [call.own(Volume, volume_id) for volume_id in order.volumes]
    if volumes and len(order.names) > 1:
        raise UnprocessableEntityError("volumes can be attached to one Droplet only, not to several names")
    for volume in volumes:
        if volume.region != region:
            raise UnprocessableEntityError(
                f"Volume {volume.name} is in {volume.region}, the Droplet in {region}"
            )
        if volume.droplet_id is not None:
            raise UnprocessableEntityError(f"Volume {volume.name} is attached to Droplet {volume.droplet_id}")
    return volumes


def _count(call: Call) -> int:
    query = select(func.count()).select_from(Droplet)
    mine = query.where(Droplet.account_id == call.account.id, Droplet.deleting.is_(False))
    return call.session.scalar(mine) or 0


def _add(
    call: Call, order: Order, name: str, size: Size, image: str, vpc: Vpc, public_keys: list[str]
) -> Droplet:
    droplet = Droplet(
        id=call.cloud.ids.number(call.session, "droplet"),
        account_id=call.account.id,
        name=name,
        region=vpc.region,
        size=size.slug,
        disk_gib=size.disk,
        image=image,
        vpc_id=vpc.id,
        private_address=str(allocate_private(call.session, vpc)),
        public_address=str(allocate_public(call.session)) if order.public_networking else None,
        status="new",
        deleting=False,
        monitoring=order.monitoring,
        agent=order.agent,
        user_data=order.user_data,
        public_keys=public_keys,
        created_at=now(),
    )
    call.session.add(droplet)
    call.session.flush()
    attach_tags(call, "droplet", droplet.id, order.tags)
    assign_new(call, "droplet", droplet.id)
    return droplet
