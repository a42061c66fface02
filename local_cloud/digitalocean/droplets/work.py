"""What droplet actions do to the machine, and what is written when it is done."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.droplets.machines import machine_of, volumes_of
from local_cloud.digitalocean.jobs import Deed, Work
from local_cloud.digitalocean.projects.models import unassign
from local_cloud.digitalocean.tables import Action, Droplet, Firewall, Tagging, Volume
from local_cloud.hypervisor.model import Machine

Boot = Callable[[Machine, list[str]], None]


def boot(cloud: Cloud, session: Session, droplet: Droplet, how: Boot) -> Deed:
    """The firewall first: no packet of the machine may pass before its policy is there."""
    machine, volumes, account_id = (
        machine_of(session, droplet),
        volumes_of(session, droplet.id),
        droplet.account_id,
    )

    def deed() -> None:
        cloud.apply_policy_of(account_id, machine.endpoint)
        how(machine, volumes)

    return deed


def _droplet(session: Session, action: Action) -> Droplet | None:
    return session.get(Droplet, int(action.resource_id))


def _nothing() -> None:
    """For a droplet that has gone meanwhile."""


def _prepare_create(cloud: Cloud, session: Session, action: Action) -> Deed:
    droplet = _droplet(session, action)
    if droplet is None or droplet.deleting:
        return _nothing
    return boot(cloud, session, droplet, cloud.hypervisor.create_machine)


def _prepare_start(cloud: Cloud, session: Session, action: Action) -> Deed:
    droplet = _droplet(session, action)
    return boot(cloud, session, droplet, cloud.hypervisor.start_machine) if droplet else _nothing


def _prepare_rebuild(cloud: Cloud, session: Session, action: Action) -> Deed:
    droplet = _droplet(session, action)
    if droplet is None:
        return _nothing
    image = action.params["image"]

    def rebuild(machine: Machine, volumes: list[str]) -> None:
        cloud.hypervisor.rebuild_machine(replace(machine, image=image), volumes)

    return boot(cloud, session, droplet, rebuild)


def _prepare_stop(cloud: Cloud, _session: Session, action: Action) -> Deed:
    droplet_id, graceful = int(action.resource_id), action.kind == "droplet.shutdown"
    return lambda: cloud.hypervisor.stop_machine(droplet_id, graceful=graceful)


def _prepare_restart(cloud: Cloud, session: Session, action: Action) -> Deed:
    droplet_id, graceful = int(action.resource_id), action.kind == "droplet.reboot"
    start = _prepare_start(cloud, session, action)

    def deed() -> None:
        cloud.hypervisor.stop_machine(droplet_id, graceful=graceful)
        start()

    return deed


def _prepare_delete(cloud: Cloud, session: Session, action: Action) -> Deed:
    droplet_id = int(action.resource_id)
    volumes = volumes_of(session, droplet_id)

    def deed() -> None:
        if volumes:
            cloud.hypervisor.stop_machine(droplet_id, graceful=False)
        for volume in volumes:
            cloud.hypervisor.detach_volume(volume, droplet_id)
        cloud.hypervisor.delete_machine(droplet_id)

    return deed


def _prepare_nothing(_cloud: Cloud, _session: Session, _action: Action) -> Deed:
    return _nothing


def _becomes(status: str) -> Callable[[Cloud, Session, Action], None]:
    def write(_cloud: Cloud, session: Session, action: Action) -> None:
        droplet = _droplet(session, action)
        if droplet is not None:
            droplet.status = status

    return write


def _resize(_cloud: Cloud, session: Session, action: Action) -> None:
    droplet = _droplet(session, action)
    if droplet is not None:
        droplet.size = action.params["size"]
        if action.params["disk"]:
            droplet.disk_gib = SIZES[droplet.size].disk


def _rename(_cloud: Cloud, session: Session, action: Action) -> None:
    droplet = _droplet(session, action)
    if droplet is not None:
        droplet.name = action.params["name"]


def _rebuilt(_cloud: Cloud, session: Session, action: Action) -> None:
    droplet = _droplet(session, action)
    if droplet is not None:
        droplet.image, droplet.status = action.params["image"], "active"


def _remove(cloud: Cloud, session: Session, action: Action) -> None:
    droplet = _droplet(session, action)
    if droplet is None:
        return
    for volume in session.scalars(select(Volume).where(Volume.droplet_id == droplet.id)):
        volume.droplet_id = None
    for firewall in session.scalars(select(Firewall).where(Firewall.account_id == droplet.account_id)):
        if droplet.id in firewall.droplet_ids:
            firewall.droplet_ids = [other for other in firewall.droplet_ids if other != droplet.id]
    session.execute(
        delete(Tagging).where(Tagging.resource_type == "droplet", Tagging.resource_id == str(droplet.id))
    )
    unassign(session, "droplet", droplet.id)
    cloud.forget_endpoint(f"droplet:{droplet.id}")
    session.flush()
    session.delete(droplet)


def _still_there(cloud: Cloud, session: Session, action: Action) -> None:
    """A machine that could not be deleted shows again: nothing is hidden that is still there."""
    droplet = _droplet(session, action)
    if droplet is not None:
        droplet.deleting = False
        cloud.sync_policies(session, droplet.account_id)


WORK = {
    "droplet.create": Work(prepare=_prepare_create, complete=_becomes("active")),
    "droplet.power_on": Work(prepare=_prepare_start, complete=_becomes("active")),
    "droplet.power_off": Work(prepare=_prepare_stop, complete=_becomes("off")),
    "droplet.shutdown": Work(prepare=_prepare_stop, complete=_becomes("off")),
    "droplet.reboot": Work(prepare=_prepare_restart, complete=_becomes("active")),
    "droplet.power_cycle": Work(prepare=_prepare_restart, complete=_becomes("active")),
    "droplet.rebuild": Work(prepare=_prepare_rebuild, complete=_rebuilt),
    "droplet.resize": Work(prepare=_prepare_nothing, complete=_resize),
    "droplet.rename": Work(prepare=_prepare_nothing, complete=_rename),
    "droplet.delete": Work(prepare=_prepare_delete, complete=_remove, fail=_still_there),
}
