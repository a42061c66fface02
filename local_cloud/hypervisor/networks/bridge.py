"""One network: a bridge in a namespace of its own, its gateway, its metadata service and its firewalls."""

import errno
import threading
from collections.abc import Mapping
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network

from pyroute2 import Conntrack, NetlinkError

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.model import HypervisorError, Interface, Policy
from local_cloud.hypervisor.networks.firewall import (
    METADATA_ADDRESS,
    Flow,
    Port,
    firewall_script,
    permitted,
    spoofing_script,
)
from local_cloud.hypervisor.networks.metadata import Metadata, MetadataServer

BRIDGE = "br0"
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}

_SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.bridge.bridge-nf-call-iptables": 1,
    # A flow that was cut must not be picked up again half-way, in whatever direction speaks next.
    "net.netfilter.nf_conntrack_tcp_loose": 0,
}


class Bridge:
    """Ports are plugged and unplugged, policies enforced; one change at a time."""

    def __init__(self, namespace: str, ip_range: IPv4Network) -> None:
        self.namespace = namespace
        self.ip_range = ip_range
        self.gateway: IPv4Address = ip_range[1]
        self._ports: dict[str, Port] = {}
        self._policies: Mapping[str, Policy | None] = {}
        self._lock = threading.RLock()
        namespaces.create(namespace)
        namespaces.set_sysctls(namespace, _SYSCTLS)
        self._make_bridge()
        self._load_rules()
        self._metadata = MetadataServer(namespace)

    def _make_bridge(self) -> None:
        with namespaces.links(self.namespace) as ip:
            ip.link("add", ifname=BRIDGE, kind="bridge", br_forward_delay=0)
            bridge = ip.link_lookup(ifname=BRIDGE)[0]
            ip.addr("add", index=bridge, address=str(self.gateway), prefixlen=self.ip_range.prefixlen)
            ip.addr("add", index=bridge, address=str(METADATA_ADDRESS), prefixlen=32)
            ip.link("set", index=bridge, state="up")

    def plug(
        self, endpoint: str, interface: Interface, namespace: str, name: str, policy: Policy | None
    ) -> None:
        """Give `namespace` a card called `name` on this network; its rules stand before its link is up."""
        port = self._port(endpoint, interface)
        with self._lock:
            if self._ports.get(port.name) == port:
                return
            self._refuse_a_taken_address(port)
            self._ports[port.name] = port
            self._policies = {**self._policies, endpoint: policy}
            try:
                self._load_rules()
                self._link(port, namespace, name)
            except BaseException:
                self._forget(port)
                raise

    def _port(self, endpoint: str, interface: Interface) -> Port:
        address = interface.address.ip
        reserved = (self.ip_range.network_address, self.gateway, self.ip_range.broadcast_address)
        if address not in self.ip_range or address in reserved:
            raise HypervisorError(
                f"{endpoint} can't have {address} in {self.namespace}: give it another address of "
                f"{self.ip_range}; its first is the gateway's"
            )
        name = f"p{int(address):08x}"
        return Port(name=name, mac=interface.mac.lower(), address=address, endpoint=endpoint)

    def _refuse_a_taken_address(self, port: Port) -> None:
        taken = self._ports.get(port.name)
        if taken is not None:
            raise HypervisorError(
                f"{port.address} in {self.namespace} is {taken.endpoint}'s: give {port.endpoint} another"
            )

    def _link(self, port: Port, namespace: str, name: str) -> None:
        with namespaces.links(self.namespace) as ip:
            peer = {"ifname": name, "net_ns_fd": namespace, "address": port.mac}
            ip.link("add", ifname=port.name, kind="veth", peer=peer)
            index, bridge = ip.link_lookup(ifname=port.name)[0], ip.link_lookup(ifname=BRIDGE)[0]
            ip.link("set", index=index, master=bridge, state="up")

    def unplug(self, endpoint: str) -> None:
        with self._lock:
            for port in [port for port in self._ports.values() if port.endpoint == endpoint]:
                self._forget(port)
            self._load_rules()

    def _forget(self, port: Port) -> None:
        self._metadata.remove(port.address)
        self._ports.pop(port.name, None)
        self._policies = {name: policy for name, policy in self._policies.items() if name != port.endpoint}
        with namespaces.links(self.namespace) as ip:
            for index in ip.link_lookup(ifname=port.name):
                ip.link("del", index=index)

    def enforce(self, policies: Mapping[str, Policy | None]) -> None:
        """Replace the policies of those endpoints that have a port here; cut what they no longer permit."""
        with self._lock:
            present = {port.endpoint for port in self._ports.values()}
            changed = {name: policy for name, policy in policies.items() if name in present}
            if not changed:
                return
            self._policies = {**self._policies, **changed}
            self._load_rules()
            self._cut_flows()

    def describe(self, address: IPv4Address, metadata: Metadata) -> None:
        """What the metadata service tells whoever has this address."""
        self._metadata.put(address, metadata)

    def endpoints(self) -> set[str]:
        with self._lock:
            return {port.endpoint for port in self._ports.values()}

    def close(self) -> None:
        self._metadata.close()
        with self._lock, namespaces.links(self.namespace) as ip:
            for port in self._ports.values():
                for index in ip.link_lookup(ifname=port.name):
                    ip.link("del", index=index)
        namespaces.remove(self.namespace)

    def _load_rules(self) -> None:
        ports = sorted(self._ports.values(), key=lambda port: port.address)
        script = spoofing_script(ports) + firewall_script(ports, self._policies)
        namespaces.apply_rules(self.namespace, script)

    def _cut_flows(self) -> None:
        """End established flows that the policies of now would not let begin."""
        policies = {
            port.address: policy
            for port in self._ports.values()
            if (policy := self._policies.get(port.endpoint)) is not None
        }
        with namespaces.entered(self.namespace), closing(Conntrack()) as conntrack:
            # The whole list first: a deletion in the midst of it would close the socket that it is read from.
            for entry in list(conntrack.dump_entries()):
                flow = _flow(entry.tuple_orig)
                if flow is not None and not _is_our_own(flow) and not permitted(flow, policies):
                    _delete(conntrack, entry.tuple_orig)


def _delete(conntrack: Conntrack, first: object) -> None:
    try:
        conntrack.entry("del", tuple_orig=first)
    except NetlinkError as error:
        if error.code != errno.ENOENT:  # else it has ended since it was listed
            raise


def _flow(first: object) -> Flow | None:
    """The flow of a conntrack tuple; None for protocols that no rule can name."""
    protocol = _PROTOCOLS.get(getattr(first, "proto", 0))
    if protocol is None:
        return None
    return Flow(
        protocol=protocol,
        source=IPv4Address(first.saddr),  # type: ignore[attr-defined]
        destination=IPv4Address(first.daddr),  # type: ignore[attr-defined]
        port=None if protocol == "icmp" else int(first.dport),  # type: ignore[attr-defined]
    )


def _is_our_own(flow: Flow) -> bool:
    """Metadata isn't subject to cloud firewalls, as on DigitalOcean."""
    return flow.destination == METADATA_ADDRESS
