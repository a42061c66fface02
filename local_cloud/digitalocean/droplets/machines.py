"""A droplet's row as the machine that the hypervisor is asked for."""

from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.addresses import PUBLIC_RANGE, gateway_of, interface_in, mac_of
from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.tables import Droplet, Tag, Tagging, Volume, Vpc
from local_cloud.hypervisor.model import PUBLIC_NETWORK, Interface, Machine


def machine_of(session: Session, droplet: Droplet) -> Machine:
    vpc = session.get_one(Vpc, droplet.vpc_id)
    size = SIZES[droplet.size]
    interfaces = _interfaces(droplet, IPv4Network(vpc.ip_range))
    return Machine(
        id=droplet.id,
        name=droplet.name,
        image=droplet.image,
        vcpus=size.vcpus,
        memory_mib=size.memory,
        disk_gib=droplet.disk_gib,
        interfaces=interfaces,
        ssh_keys=tuple(droplet.public_keys),
        user_data=droplet.user_data,
        metadata=_metadata(session, droplet, interfaces),
    )


def volumes_of(session: Session, droplet_id: int) -> list[str]:
    query = select(Volume.id).where(Volume.droplet_id == droplet_id).order_by(Volume.name)
    return list(session.scalars(query))


def _interfaces(droplet: Droplet, vpc_range: IPv4Network) -> tuple[Interface, ...]:
    endpoint = f"droplet:{droplet.id}"
    private = Interface(
        network=droplet.vpc_id,
        address=interface_in(vpc_range, droplet.private_address),
        mac=mac_of(endpoint, droplet.vpc_id),
    )
    if droplet.public_address is None:
        return (private,)
    public = Interface(
        network=PUBLIC_NETWORK,
        address=interface_in(PUBLIC_RANGE, droplet.public_address),
        mac=mac_of(endpoint, PUBLIC_NETWORK),
    )
    return (public, private)


def _metadata(session: Session, droplet: Droplet, interfaces: tuple[Interface, ...]) -> dict[str, Any]:
    """The body of /metadata/v1.json, as DigitalOcean documents it."""
    cards: dict[str, list[dict[str, Any]]] = {}
    for interface in interfaces:
        kind = "public" if interface.network == PUBLIC_NETWORK else "private"
        cards.setdefault(kind, []).append(_card(interface, kind))
    tags = session.scalars(
        select(Tag.name)
        .join(Tagging, Tagging.tag_id == Tag.id)
        .where(Tagging.resource_type == "droplet", Tagging.resource_id == str(droplet.id))
        .order_by(Tagging.order)
    )
    return {
        "droplet_id": droplet.id,
        "hostname": droplet.name,
        "vendor_data": "",
        "user_data": droplet.user_data or "",
        "public_keys": list(droplet.public_keys),
        "region": droplet.region,
        "interfaces": cards,
        "floating_ip": {"ipv4": {"active": False}},
        "reserved_ip": {"ipv4": {"active": False}},
        "dns": {"nameservers": []},
        "tags": list(tags),
        "features": {"dhcp_enabled": False},
    }


def _card(interface: Interface, kind: str) -> dict[str, Any]:
    address: IPv4Interface = interface.address
    return {
        "ipv4": {
            "ip_address": str(address.ip),
            "netmask": str(address.netmask),
            "gateway": str(gateway_of(address.network)),
        },
        "mac": interface.mac,
        "type": kind,
    }
