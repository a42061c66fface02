"""A droplet as the API shows it."""

from ipaddress import IPv4Network
from typing import Any

from local_cloud.digitalocean.actions.models import pending
from local_cloud.digitalocean.addresses import PUBLIC_RANGE, gateway_of
from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.images import IMAGES
from local_cloud.digitalocean.catalogue.regions import region_view
from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.catalogue.views import disk_info, image_view, size_view
from local_cloud.digitalocean.clock import written
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.droplets.machines import volumes_of
from local_cloud.digitalocean.tables import Droplet, Vpc
from local_cloud.digitalocean.tags.models import tags_of


def status_of(cloud: Cloud, droplet: Droplet) -> str:
    """A droplet that has powered itself off is off, whatever was last asked of it."""
    if droplet.status == "active" and f"droplet:{droplet.id}" not in cloud.restoring:
        return "active" if cloud.hypervisor.machine_is_running(droplet.id) else "off"
    return droplet.status


def view(call: Call, droplet: Droplet) -> dict[str, Any]:
    size = SIZES[droplet.size]
    locked = pending(call.session, "droplet", droplet.id)
    return {
        "id": droplet.id,
        "name": droplet.name,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": droplet.disk_gib,
        "disk_info": disk_info(droplet.disk_gib),
        "locked": locked,
        "status": droplet.status if locked else status_of(call.cloud, droplet),
        "kernel": None,
        "created_at": written(droplet.created_at),
        "features": _features(droplet),
        "backup_ids": [],
        "next_backup_window": None,
        "snapshot_ids": [],
        "image": image_view(IMAGES[droplet.image]),
        "volume_ids": volumes_of(call.session, droplet.id),
        "size": size_view(size),
        "size_slug": droplet.size,
        "networks": {"v4": _networks(call, droplet), "v6": []},
        "region": region_view(droplet.region),
        "tags": tags_of(call, "droplet", droplet.id),
        "vpc_uuid": droplet.vpc_id,
    }


def _features(droplet: Droplet) -> list[str]:
    features = {"monitoring": droplet.monitoring, "droplet_agent": droplet.agent, "private_networking": True}
    return [name for name, wanted in features.items() if wanted]


def _networks(call: Call, droplet: Droplet) -> list[dict[str, Any]]:
    """Shown from the first boot on, as DigitalOcean does."""
    if droplet.status == "new":
        return []
    vpc_range = IPv4Network(call.session.get_one(Vpc, droplet.vpc_id).ip_range)
    networks = [_network(droplet.private_address, vpc_range, "private")]
    if droplet.public_address is not None:
        networks.append(_network(droplet.public_address, PUBLIC_RANGE, "public"))
    return networks


def _network(address: str, network: IPv4Network, kind: str) -> dict[str, Any]:
    return {
        "ip_address": address,
        "netmask": str(network.netmask),
        "gateway": str(gateway_of(network)),
        "type": kind,
    }
