"""A VPC's NAT gateway: a namespace between the VPC and the public network, translating to one address."""

import hashlib
from ipaddress import IPv4Interface

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.model import PUBLIC_NETWORK, Interface, NatGateway
from local_cloud.hypervisor.networks.bridge import Bridge
from local_cloud.hypervisor.networks.firewall import gateway_script

# Each end is alone in its namespace with this link, so every gateway can use the same two addresses.
INSIDE = IPv4Interface("198.19.1.1/30")
OUTSIDE = IPv4Interface("198.19.1.2/30")


class Gateway:
    """Made whole by its constructor; `close` takes it all away."""

    def __init__(self, gateway: NatGateway, vpc: Bridge, public: Bridge) -> None:
        self.vpc_id = gateway.vpc_id
        self.public_address = gateway.public_address
        self._vpc, self._public = vpc, public
        self._endpoint = f"nat:{gateway.id}"
        self._namespace = f"nat-{gateway.id}"
        try:
            self._make(gateway)
        except BaseException:
            self.close()
            raise

    def _make(self, gateway: NatGateway) -> None:
        namespaces.create(self._namespace)
        namespaces.set_sysctls(self._namespace, {"net.ipv4.ip_forward": 1})
        script = gateway_script(self._vpc.ip_range, gateway.public_address)
        namespaces.apply_rules(self._namespace, script)
        address = IPv4Interface((gateway.public_address, self._public.ip_range.prefixlen))
        card = Interface(network=PUBLIC_NETWORK, address=address, mac=mac_of(gateway.id))
        self._public.plug(self._endpoint, card, self._namespace, "public", None)
        configure(self._namespace, "public", address)
        set_default_route(self._namespace, self._public)
        self._join_the_vpc()

    def _join_the_vpc(self) -> None:
        with namespaces.links(self._vpc.namespace) as ip:
            peer = {"ifname": "vpc", "net_ns_fd": self._namespace}
            ip.link("add", ifname="nat", kind="veth", peer=peer)
        configure(self._namespace, "vpc", OUTSIDE)
        configure(self._vpc.namespace, "nat", INSIDE)
        with namespaces.links(self._namespace) as ip:
            ip.route("add", dst=str(self._vpc.ip_range), gateway=str(INSIDE.ip))
        with namespaces.links(self._vpc.namespace) as ip:
            ip.route("add", dst="0.0.0.0/0", gateway=str(OUTSIDE.ip))

    def close(self) -> None:
        with namespaces.links(self._vpc.namespace) as ip:
            for index in ip.link_lookup(ifname="nat"):
                ip.link("del", index=index)
        self._public.unplug(self._endpoint)
        namespaces.remove(self._namespace)


def configure(namespace: str, name: str, address: IPv4Interface) -> None:
    """Give a card its address and bring it up."""
    with namespaces.links(namespace) as ip:
        index = ip.link_lookup(ifname=name)[0]
        ip.addr("add", index=index, address=str(address.ip), prefixlen=address.network.prefixlen)
        ip.link("set", index=index, state="up")


def set_default_route(namespace: str, network: Bridge) -> None:
    with namespaces.links(namespace) as ip:
        ip.route("add", dst="0.0.0.0/0", gateway=str(network.gateway))


def mac_of(owner: str) -> str:
    """A locally administered address that stays the same for its owner."""
    digest = hashlib.blake2s(owner.encode(), digest_size=5).digest()
    return ":".join(f"{byte:02x}" for byte in b"\x02" + digest)
