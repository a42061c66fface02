"""A host's runtime API at its mesh address, for the control plane alone: mutual TLS, every route."""

import fcntl
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Any

from agent_runtime import certificates
from agent_runtime.errors import HostError
from agent_runtime.places import Places
from agent_runtime.server.contexts import ServerContexts
from agent_runtime.server.routes import Peer, Request, Route, Routes
from agent_runtime.server.server import Server
from agent_runtime.settings import Settings
from agent_runtime.volume import state

PORT = 9443
CONTROL_PLANE = "control-plane"
MESH_INTERFACE = "tailscale0"
_SIOCGIFADDR = 0x8915


class Host:
    """The routes' functions."""

    def __init__(self, settings: Settings, places: Places) -> None:
        self._settings = settings
        self._places = places

    def routes(self) -> Routes:
        return Routes(
            Route(method="GET", path="/v1/health", may=_is_control_plane, handle=self._health),
        )

    def _health(self, _: Request) -> Mapping[str, Any]:
        certificate = certificates.read(self._places.identity)
        return {
            "host": self._settings.host,
            "tenant": self._settings.tenant,
            "tier": self._settings.tier,
            "release": self._settings.release,
            "certificate": {
                "serial": certificate.serial,
                "not_before": certificate.not_before.isoformat(),
                "not_after": certificate.not_after.isoformat(),
                "renewal_due": certificate.due.isoformat(),
            },
            "volume": state(self._settings, self._places),
        }


def server(settings: Settings, places: Places, address: str, port: int = PORT) -> Server:
    """The server, listening."""
    contexts = ServerContexts(places.identity, settings.tenant_ca, clients=ssl.CERT_REQUIRED)
    return Server((address, port), Host(settings, places).routes(), contexts)


def mesh_address(interface: str = MESH_INTERFACE) -> str:
    """The host's address in the mesh. Raises HostError while it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("256s", interface.encode()[:15])  # struct ifreq of netdevice(7)
        try:
            answer = fcntl.ioctl(any_socket.fileno(), _SIOCGIFADDR, asked)
        except OSError as error:
            raise HostError(
                f"{interface} has no address ({error.strerror}): the host is not in the mesh; "
                "see `systemctl status tailscaled`"
            ) from error
    return socket.inet_ntoa(answer[20:24])


def _is_control_plane(peer: Peer) -> bool:
    return peer is not None and peer.name == CONTROL_PLANE
