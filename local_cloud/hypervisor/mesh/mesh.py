"""The whole mesh of the local cloud: its CA, its coordination server, and who of its own is a member.

Droplets join by themselves, with what their user-data brings.
"""

from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.mesh.addresses import OPERATOR_ADDRESS
from local_cloud.hypervisor.mesh.coordination import HeadscaleCoordination
from local_cloud.hypervisor.mesh.headscale import Headscale
from local_cloud.hypervisor.mesh.member import Identity, Member
from local_cloud.hypervisor.networks.networks import OPERATOR_NAMESPACE, Networks

OPERATOR = Identity(
    hostname="operator",
    tag="tag:control-plane",
    namespace=OPERATOR_NAMESPACE,
    address=OPERATOR_ADDRESS,
)


class Mesh:
    """Its coordination server runs from the start on; `close` ends all, and keeps what `directory` holds."""

    def __init__(self, directory: Path, tailscale: Path, headscale: Path, networks: Networks) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._directory = directory
        self._programs = tailscale
        self._networks = networks
        self._parts = ExitStack()
        self.authority = Authority(directory, "Local cloud")
        self.authority.certificate()
        server = Headscale(headscale, directory / "headscale", self.authority)
        self._parts.callback(server.close)
        try:
            server.start()
            self.coordination = HeadscaleCoordination(self.authority.certificate_file, server.new_api_key())
        except BaseException:
            self.close()
            raise
        self._parts.callback(self.coordination.close)

    def join(self, identity: Identity) -> IPv4Address:
        """Make the namespace of this identity a member, and return its address on the mesh.

        Raises HypervisorError when it doesn't become one. Several may join at the same time.
        """
        self._networks.plug_in(identity.namespace, identity.address)
        member = Member(
            identity,
            self._directory / identity.hostname,
            self._programs,
            self.authority.certificate_file,
            self.coordination,
        )
        self._parts.callback(member.close)
        return member.join()

    def close(self) -> None:
        self._parts.close()
