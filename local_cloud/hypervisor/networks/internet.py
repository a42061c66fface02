"""The internet of the local cloud: a namespace without an uplink, where every public address answers.

Any TCP port greets with the destination that was asked for, UDP is echoed, ping is answered: so what a
firewall or a NAT gateway lets through can be proven with real packets, of which none ever leaves the machine.
"""

import asyncio
import socket
import struct
import threading
from ipaddress import IPv4Interface, IPv4Network

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.mesh.addresses import COORDINATION_ADDRESS, HTTPS_PORT, STUN_PORT
from local_cloud.hypervisor.networks.firewall import NOT_ON_THE_INTERNET
from local_cloud.hypervisor.networks.names import DIGITALOCEAN_RESOLVERS

NAMESPACE = "internet"
UPLINK = IPv4Interface("198.19.0.1/30")
"""The public network's end of the link; 198.18.0.0/15 is for tests of networks (RFC 2544)."""
ADDRESS = IPv4Interface("198.19.0.2/30")
RESPONDER_PORT = 4
SO_ORIGINAL_DST = 80
DRAIN_SECONDS = 2.0


def create(public_namespace: str, public_range: IPv4Network) -> None:
    """The namespace, joined to the public network, all of whose other destinations end here."""
    namespaces.create(NAMESPACE)
    with namespaces.links(public_namespace) as ip:
        peer = {"ifname": "public", "net_ns_fd": NAMESPACE}
        ip.link("add", ifname="internet", kind="veth", peer=peer)
        uplink = ip.link_lookup(ifname="internet")[0]
        ip.addr("add", index=uplink, address=str(UPLINK.ip), prefixlen=UPLINK.network.prefixlen)
        ip.link("set", index=uplink, state="up")
        ip.route("add", dst="0.0.0.0/0", gateway=str(ADDRESS.ip))
    with namespaces.links(NAMESPACE) as ip:
        downlink, loopback = ip.link_lookup(ifname="public")[0], ip.link_lookup(ifname="lo")[0]
        ip.addr("add", index=downlink, address=str(ADDRESS.ip), prefixlen=ADDRESS.network.prefixlen)
        for server in (*DIGITALOCEAN_RESOLVERS, COORDINATION_ADDRESS):
            ip.addr("add", index=loopback, address=str(server), prefixlen=32)
        ip.link("set", index=downlink, state="up")
        ip.route("add", dst=str(public_range), gateway=str(UPLINK.ip))
        # In the main table, after the routes above: in the table `local` it would swallow the answers.
        ip.route("add", dst="0.0.0.0/0", oif=loopback, type="local", scope="host", table=254)
    namespaces.apply_rules(NAMESPACE, _script())


def _script() -> str:
    private = ", ".join(map(str, NOT_ON_THE_INTERNET))
    resolvers = ", ".join(map(str, DIGITALOCEAN_RESOLVERS))
    return f"""
table ip internet {{
  chain unroutable {{
    type filter hook prerouting priority raw; policy accept;
    iifname "public" ip daddr {{ {private} }} drop
  }}
  chain everywhere {{
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr {{ {resolvers} }} meta l4proto {{ tcp, udp }} th dport 53 accept
    ip daddr {COORDINATION_ADDRESS} tcp dport {HTTPS_PORT} accept
    ip daddr {COORDINATION_ADDRESS} udp dport {STUN_PORT} accept
    iifname "public" meta l4proto tcp redirect to :{RESPONDER_PORT}
    iifname "public" meta l4proto udp redirect to :{RESPONDER_PORT}
  }}
}}
"""


class Responder:
    """What answers there, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        with namespaces.entered(NAMESPACE):
            self._tcp = socket.create_server(("", RESPONDER_PORT), backlog=1024)
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("", RESPONDER_PORT))
        self._udp.settimeout(0)
        self._thread = threading.Thread(target=self._run, name="internet", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        echo, _ = await self._loop.create_datagram_endpoint(_Echo, sock=self._udp)
        server = await asyncio.start_server(_greet, sock=self._tcp)
        await self._closing.wait()
        server.close()
        echo.close()


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(f"local cloud internet: this is {_asked_for(writer)}\n".encode())
        writer.write_eof()
        # Closing over unread bytes would reset the connection, and the greeting be lost.
        async with asyncio.timeout(DRAIN_SECONDS):
            while await reader.read(65536):
                pass
    except (TimeoutError, OSError):
        pass
    finally:
        writer.close()


def _asked_for(writer: asyncio.StreamWriter) -> str:
    """The destination before the redirect: `address:port`."""
    connection: socket.socket = writer.get_extra_info("socket")
    answer = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    port, address = struct.unpack("!2xH4s8x", answer)
    return f"{socket.inet_ntoa(address)}:{port}"


class _Echo(asyncio.DatagramProtocol):
    _transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, addr)
