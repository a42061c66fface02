"""Every network of the local cloud and who is on it: VPCs, NAT gateways, the public network, the internet.

VPCs have no link to each other. The one way out of a VPC is its NAT gateway, to the public network, which
ends in an internet that has no uplink.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.mesh.addresses import (
    COORDINATION_ADDRESS,
    COORDINATION_NETWORK,
    HTTPS_PORT,
    STUN_PORT,
    WIREGUARD_PORT,
)
from local_cloud.hypervisor.model import (
    PUBLIC_NETWORK,
    HypervisorError,
    Interface,
    NatGateway,
    Policy,
    Rule,
    Vpc,
)
from local_cloud.hypervisor.networks import internet
from local_cloud.hypervisor.networks.bridge import Bridge
from local_cloud.hypervisor.networks.gateway import Gateway, configure, mac_of, set_default_route
from local_cloud.hypervisor.networks.metadata import Metadata
from local_cloud.hypervisor.networks.names import DIGITALOCEAN_RESOLVERS, OPERATOR_RESOLVERS, Names

PUBLIC_RANGE = IPv4Network("198.18.0.0/16")
"""Where public addresses are given from (RFC 2544); the first is the gateway's."""
OPERATOR_NAMESPACE = "operator"
"""Where `exec` runs commands: a loopback with the API and the resolver, the mesh, and what that needs."""

_COORDINATION = (IPv4Network((COORDINATION_ADDRESS, 32)),)
MESH_MEMBER = Policy(
    rules=(
        Rule(direction="inbound", protocol="udp", ports=(WIREGUARD_PORT,) * 2, peers=(PUBLIC_RANGE,)),
        Rule(direction="outbound", protocol="udp", ports=(1, 65535), peers=(PUBLIC_RANGE,)),
        Rule(direction="outbound", protocol="tcp", ports=(HTTPS_PORT,) * 2, peers=_COORDINATION),
        Rule(direction="outbound", protocol="udp", ports=(STUN_PORT,) * 2, peers=_COORDINATION),
    )
)
"""WireGuard with whoever has a public address (behind a NAT gateway, on any port), and the coordination."""


@dataclass(frozen=True)
class _Attachment:
    namespace: str
    interfaces: tuple[Interface, ...]


class Networks:
    """Safe to call from several threads; each network makes one change at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._vpcs: dict[str, Bridge] = {}
        self._gateways: dict[str, Gateway] = {}
        self._attachments: dict[str, _Attachment] = {}
        self._policies: dict[str, Policy | None] = {}
        self._own = {internet.NAMESPACE, OPERATOR_NAMESPACE}
        namespaces.create(OPERATOR_NAMESPACE)
        self._public = Bridge(PUBLIC_NETWORK, PUBLIC_RANGE)
        internet.create(self._public.namespace, PUBLIC_RANGE)
        self._responder = internet.Responder()
        self._names = Names()
        self._names.serve(OPERATOR_NAMESPACE, OPERATOR_RESOLVERS)
        self._names.serve(internet.NAMESPACE, DIGITALOCEAN_RESOLVERS)

    def plug_in(self, namespace: str, address: IPv4Address) -> None:
        """Give a namespace of the local cloud's own a card `public`: for the mesh, and nothing else."""
        self._own.add(namespace)
        namespaces.create(namespace)
        endpoint = f"member:{namespace}"
        interface = IPv4Interface((address, PUBLIC_RANGE.prefixlen))
        card = Interface(network=PUBLIC_NETWORK, address=interface, mac=mac_of(endpoint))
        self._public.plug(endpoint, card, namespace, "public", MESH_MEMBER)
        configure(namespace, "public", interface)
        with namespaces.links(namespace) as ip:
            ip.route("replace", dst=str(COORDINATION_NETWORK), gateway=str(self._public.gateway))

    def create_vpc(self, vpc: Vpc) -> None:
        with self._lock:
            known = self._vpcs.get(vpc.id)
            if known is None:
                self._vpcs[vpc.id] = Bridge(f"vpc-{vpc.id}", vpc.ip_range)
            elif known.ip_range != vpc.ip_range:
                raise HypervisorError(
                    f"VPC {vpc.id} has the range {known.ip_range}, not {vpc.ip_range}: make another"
                )

    def delete_vpc(self, vpc_id: str) -> None:
        with self._lock:
            network = self._vpcs.get(vpc_id)
            if network is None:
                return
            members = sorted(network.endpoints())
            members += [f"nat:{key}" for key, gateway in self._gateways.items() if gateway.vpc_id == vpc_id]
            if members:
                raise HypervisorError(f"VPC {vpc_id} still has {', '.join(members)}: remove them first")
            del self._vpcs[vpc_id]
            network.close()

    def create_nat_gateway(self, gateway: NatGateway) -> None:
        with self._lock:
            known = self._gateways.get(gateway.id)
            if known is not None:
                if (known.vpc_id, known.public_address) == (gateway.vpc_id, gateway.public_address):
                    return
                self.delete_nat_gateway(gateway.id)
            for key, other in self._gateways.items():
                if other.vpc_id == gateway.vpc_id:
                    raise HypervisorError(
                        f"VPC {gateway.vpc_id} leaves by NAT gateway {key} already: delete that one first"
                    )
            vpc = self._network(gateway.vpc_id)
            self._gateways[gateway.id] = Gateway(gateway, vpc, self._public)

    def delete_nat_gateway(self, gateway_id: str) -> None:
        with self._lock:
            gateway = self._gateways.pop(gateway_id, None)
            if gateway is not None:
                gateway.close()

    def attach(
        self,
        endpoint: str,
        namespace: str,
        interfaces: Sequence[Interface],
        metadata: Mapping[str, Any] | None,
        user_data: str | None,
    ) -> Path:
        """The endpoint's namespace, with its cards, addresses and routes; making it again changes nothing.

        `eth0` is the public card and `eth1` that of the VPC, as on DigitalOcean. Policies that were applied
        before hold from the first packet on.
        """
        wanted = _Attachment(namespace, tuple(interfaces))
        with self._lock:
            known = self._attachments.get(endpoint)
            if known is not None and known != wanted:
                self.detach(endpoint)
            self._attachments[endpoint] = wanted
        if known != wanted:
            try:
                self._connect(endpoint, wanted)
            except BaseException:
                self.detach(endpoint)
                raise
        if metadata is not None:
            self._describe(wanted, Metadata(metadata, user_data))
        return namespaces.path_of(namespace)

    def _connect(self, endpoint: str, attachment: _Attachment) -> None:
        namespaces.create(attachment.namespace)
        for name, card in _named(attachment.interfaces):
            network = self._network(card.network)
            network.plug(endpoint, card, attachment.namespace, name, self._policies.get(endpoint))
            address = IPv4Interface((card.address.ip, network.ip_range.prefixlen))
            configure(attachment.namespace, name, address)
        if attachment.interfaces:
            first = min(attachment.interfaces, key=lambda card: card.network != PUBLIC_NETWORK)
            set_default_route(attachment.namespace, self._network(first.network))
        # A policy that was applied while the cards were being plugged.
        self._enforce({endpoint: self._policies.get(endpoint)})

    def _describe(self, attachment: _Attachment, metadata: Metadata) -> None:
        for card in attachment.interfaces:
            self._network(card.network).describe(card.address.ip, metadata)

    def detach(self, endpoint: str) -> None:
        """Take the endpoint's cards, metadata and namespace away.

        Its policy stays known until `forget`: a machine that is started again is never open for a moment.
        """
        with self._lock:
            attachment = self._attachments.pop(endpoint, None)
        if attachment is None:
            return
        for card in attachment.interfaces:
            network = self._public if card.network == PUBLIC_NETWORK else self._vpcs.get(card.network)
            if network is not None:
                network.unplug(endpoint)
        namespaces.remove(attachment.namespace)

    def forget(self, endpoint: str) -> None:
        """Drop what is known of an endpoint that won't come back."""
        self.detach(endpoint)
        with self._lock:
            self._policies.pop(endpoint, None)

    def apply_policies(self, policies: Mapping[str, Policy | None]) -> None:
        """Replace the policy of each endpoint named, now or for when it is attached; None leaves it open."""
        with self._lock:
            self._policies.update(policies)
        self._enforce(policies)

    def _enforce(self, policies: Mapping[str, Policy | None]) -> None:
        with self._lock:
            every = [self._public, *self._vpcs.values()]
        for network in every:
            network.enforce(policies)

    def publish_names(self, names: Mapping[str, IPv4Address]) -> None:
        self._names.publish(names)

    def close(self) -> None:
        for endpoint in list(self._attachments):
            self.detach(endpoint)
        for gateway in list(self._gateways):
            self.delete_nat_gateway(gateway)
        for vpc in list(self._vpcs):
            self.delete_vpc(vpc)
        self._names.close()
        self._responder.close()
        self._public.close()
        for name in self._own:
            namespaces.remove(name)

    def _network(self, network: str) -> Bridge:
        if network == PUBLIC_NETWORK:
            return self._public
        found = self._vpcs.get(network)
        if found is None:
            raise HypervisorError(f"there is no VPC {network}: create it before anything is attached to it")
        return found


def _named(interfaces: Sequence[Interface]) -> list[tuple[str, Interface]]:
    private = [card for card in interfaces if card.network != PUBLIC_NETWORK]
    public = [card for card in interfaces if card.network == PUBLIC_NETWORK]
    named = [(f"eth{index}", card) for index, card in enumerate(private, start=1)]
    return [("eth0", card) for card in public] + named
