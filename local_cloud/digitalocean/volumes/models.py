"""Volumes: made at once, attached and resized in the background."""

from typing import Any, Literal, cast

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.actions.models import pending
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.droplets.errors import PendingEventError
from local_cloud.digitalocean.droplets.models import find_droplet
from local_cloud.digitalocean.errors import ConflictError, ServerError, UnprocessableEntityError
from local_cloud.digitalocean.jobs import Deed, Work
from local_cloud.digitalocean.projects.models import assign_new, unassign
from local_cloud.digitalocean.tables import Action, Tagging, Volume
from local_cloud.digitalocean.tags.models import attach_tags
from local_cloud.digitalocean.vpcs.models import check_region
from local_cloud.hypervisor import model

MOST_PER_DROPLET = 15
LARGEST_GIB = 16 * 1024


def create_volume(call: Call, volume: Volume, tags: list[str]) -> Volume:
    """Keeps what was asked for, then makes it. Raises ConflictError for a name that the region has."""
    check_region(volume.region)
    if list_volumes(call, volume.name, volume.region):
        raise ConflictError(f"a volume named {volume.name} already exists in {volume.region}")
    volume.id = call.cloud.ids.uuid(call.session, "volume")
    volume.account_id, volume.created_at = call.account.id, now()
    call.session.add(volume)
    call.session.flush()
    attach_tags(call, "volume", volume.id, tags)
    assign_new(call, "volume", volume.id)
    cloud, real, volume_id = call.cloud, real_volume(volume), volume.id

    def make() -> None:
        try:
            cloud.hypervisor.create_volume(real)
        except model.HypervisorError as error:
            with cloud.store.writing() as session:
                _forget(session, session.get_one(Volume, volume_id))
            raise ServerError(str(error)) from error

    call.afterwards(make)
    return volume


def real_volume(volume: Volume) -> model.Volume:
    filesystem = cast("Literal['ext4', 'xfs'] | None", volume.filesystem_type or None)
    return model.Volume(
        id=volume.id,
        name=volume.name,
        size_gib=volume.size_gib,
        filesystem=filesystem,
        label=volume.filesystem_label,
    )


def list_volumes(call: Call, name: str | None = None, region: str | None = None) -> list[Volume]:
    query = select(Volume).where(Volume.account_id == call.account.id)
    if name is not None:
        query = query.where(Volume.name == name)
    if region is not None:
        query = query.where(Volume.region == region)
    return list(call.session.scalars(query.order_by(Volume.created_at, Volume.id)))


def delete_volume(call: Call, volume: Volume) -> None:
    """Raises ConflictError while it is attached."""
    if volume.droplet_id is not None or pending(call.session, "volume", volume.id):
        raise ConflictError(
            f"volume {volume.name} is attached to Droplet {volume.droplet_id}: detach it first"
        )
    call.cloud.hypervisor.delete_volume(volume.id)
    _forget(call.session, volume)


def start_attach(call: Call, volume: Volume, droplet_id: int) -> Action:
    """Raises UnprocessableEntityError when it is attached elsewhere, or in another region, or busy."""
    droplet = find_droplet(call, droplet_id)
    if volume.droplet_id is not None:
        raise UnprocessableEntityError(f"volume {volume.name} is attached to Droplet {volume.droplet_id}")
    if droplet.region != volume.region:
        raise UnprocessableEntityError(
            f"volume {volume.name} is in {volume.region}, the Droplet in {droplet.region}"
        )
    attached = select(Volume).where(Volume.droplet_id == droplet.id)
    if len(call.session.scalars(attached).all()) >= MOST_PER_DROPLET:
        raise UnprocessableEntityError(f"a Droplet may have at most {MOST_PER_DROPLET} volumes")
    if pending(call.session, "droplet", droplet.id):
        raise PendingEventError
    return _start(call, "attach", volume, droplet_id=droplet.id)


def start_detach(call: Call, volume: Volume, droplet_id: int | None) -> Action:
    if volume.droplet_id is None or droplet_id not in {None, volume.droplet_id}:
        raise UnprocessableEntityError(f"volume {volume.name} is not attached to Droplet {droplet_id}")
    return _start(call, "detach", volume, droplet_id=volume.droplet_id)


def start_resize(call: Call, volume: Volume, size_gib: int) -> Action:
    if size_gib <= volume.size_gib:
        raise UnprocessableEntityError(
            f"volume {volume.name} has {volume.size_gib} GiB and can only grow, not be set to {size_gib}"
        )
    return _start(call, "resize", volume, size_gib=size_gib)


def _start(call: Call, what: str, volume: Volume, **params: Any) -> Action:
    if pending(call.session, "volume", volume.id):
        raise UnprocessableEntityError(f"volume {volume.name} already has a pending event.")
    return call.start(f"volume.{what}", ("volume", volume.id), volume.region, **params)


def _forget(session: Session, volume: Volume) -> None:
    of_volume = (Tagging.resource_type == "volume", Tagging.resource_id == volume.id)
    session.execute(delete(Tagging).where(*of_volume))
    unassign(session, "volume", volume.id)
    session.delete(volume)


def _prepare_attach(cloud: Cloud, session: Session, action: Action) -> Deed:
    real = real_volume(session.get_one(Volume, action.resource_id))
    droplet_id = action.params["droplet_id"]

    def deed() -> None:
        # A machine that is off gets its volumes when it is started.
        if cloud.hypervisor.machine_is_running(droplet_id):
            cloud.hypervisor.attach_volume(real, droplet_id)

    return deed


def _prepare_detach(cloud: Cloud, _session: Session, action: Action) -> Deed:
    volume_id, droplet_id = action.resource_id, action.params["droplet_id"]
    return lambda: cloud.hypervisor.detach_volume(volume_id, droplet_id)


def _prepare_resize(cloud: Cloud, _session: Session, action: Action) -> Deed:
    volume_id, size_gib = action.resource_id, action.params["size_gib"]
    return lambda: cloud.hypervisor.resize_volume(volume_id, size_gib)


def _attached(_cloud: Cloud, session: Session, action: Action) -> None:
    session.get_one(Volume, action.resource_id).droplet_id = action.params["droplet_id"]


def _detached(_cloud: Cloud, session: Session, action: Action) -> None:
    session.get_one(Volume, action.resource_id).droplet_id = None


def _resized(_cloud: Cloud, session: Session, action: Action) -> None:
    session.get_one(Volume, action.resource_id).size_gib = action.params["size_gib"]


WORK = {
    "volume.attach": Work(prepare=_prepare_attach, complete=_attached),
    "volume.detach": Work(prepare=_prepare_detach, complete=_detached),
    "volume.resize": Work(prepare=_prepare_resize, complete=_resized),
}
