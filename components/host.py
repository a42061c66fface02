"""A hardened Debian host in the mesh: a droplet without a public interface, made safe by cloud-init.

Deliberately without SSH keys of DigitalOcean's: those are the account's and would be root's; people's public
keys come with user-data, for the one account that is theirs. What the host runs, and every credential but its
key to the mesh, is brought to it later, through the mesh.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

import pulumi
import pulumi_digitalocean as digitalocean
import pulumi_tailscale as tailscale

from components.cloud_init import HostConfig, MeshJoin, user_data
from components.flows import Endpoint
from components.mesh import Mesh, MeshMembership, MeshMembershipArgs, mesh_key
from components.naming import mesh_hostname, mesh_tag, tenant_tag, tier_tag
from components.props import props
from components.tokens import HARDENED_HOST


@dataclass(frozen=True, kw_only=True)
class HardenedHostArgs:
    """`ssh_ca` is the public key whose certificates for the tenant are let in, `ssh_keys` are people's own.

    `after` must exist before the droplet does.
    """

    tenant: str
    tier: Endpoint
    region: str
    size: str
    image: str
    ip_range: str
    mesh: Mesh
    ssh_ca: str
    vpc_id: pulumi.Input[str]
    ssh_keys: Sequence[str] = ()
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class HardenedHost(pulumi.ComponentResource):
    """The component's name is the droplet's. Whoever needs the host to be reachable takes `mesh_address`."""

    droplet_id: pulumi.Output[str]
    droplet_urn: pulumi.Output[str]
    private_address: pulumi.Output[str]
    mesh_address: pulumi.Output[str]
    device_id: pulumi.Output[str]
    host_key: pulumi.Output[str]

    def __init__(self, name: str, args: HardenedHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(HARDENED_HOST, name, props(args), opts)
        self.host_name = name
        self.tier = args.tier
        self._args = args
        key = self._key()
        droplet = self._droplet(key)
        membership = self._membership(key, droplet)
        self.droplet_id = droplet.id
        self.droplet_urn = droplet.droplet_urn
        self.private_address = droplet.ipv4_address_private
        self.mesh_address = membership.address
        self.device_id = membership.device_id
        self.host_key = membership.host_key
        self.register_outputs(
            {
                "droplet_id": self.droplet_id,
                "droplet_urn": self.droplet_urn,
                "private_address": self.private_address,
                "mesh_address": self.mesh_address,
                "device_id": self.device_id,
                "host_key": self.host_key,
            }
        )

    def _key(self) -> tailscale.TailnetKey:
        """A key of one use, so whatever replaces the droplet replaces it too."""
        args = self._args
        fixed = (args.region, args.image, self._user_data(self.host_name, auth_key=""))
        replaces = pulumi.Output.concat(args.vpc_id, *fixed)
        return mesh_key(
            self.host_name,
            mesh_tag(args.tenant, args.tier),
            replaces,
            pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )

    def _droplet(self, key: tailscale.TailnetKey) -> digitalocean.Droplet:
        args = self._args
        known = pulumi.Output.all(key.id, key.key)
        text = known.apply(lambda key: self._user_data(self._mesh_hostname(key[0]), auth_key=key[1]))
        secret: pulumi.Output[str] = pulumi.Output.secret(text)
        return digitalocean.Droplet(
            self.host_name,
            name=self.host_name,
            region=args.region,
            size=args.size,
            image=args.image,
            vpc_uuid=args.vpc_id,
            public_networking=False,
            ipv6=False,
            monitoring=True,
            droplet_agent=False,
            graceful_shutdown=True,
            resize_disk=False,
            tags=[tenant_tag(args.tenant), tier_tag(args.tenant, args.tier)],
            user_data=secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )

    def _membership(self, key: tailscale.TailnetKey, droplet: digitalocean.Droplet) -> MeshMembership:
        return MeshMembership(
            f"{self.host_name}-mesh",
            MeshMembershipArgs(
                host_name=self.host_name,
                hostname=key.id.apply(self._mesh_hostname),
                droplet_id=droplet.id,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _mesh_hostname(self, key_id: str) -> str:
        return mesh_hostname(self.host_name, key_id)

    def _user_data(self, hostname: str, *, auth_key: str) -> str:
        args = self._args
        return user_data(
            HostConfig(
                hostname=self.host_name,
                tenant=args.tenant,
                tier=args.tier,
                ip_range=IPv4Network(args.ip_range),
                mesh=MeshJoin(
                    hostname=hostname,
                    auth_key=auth_key,
                    login_server=args.mesh.login_server,
                    coordination=tuple(args.mesh.coordination),
                    peers=tuple(args.mesh.peers),
                ),
                ssh_ca=args.ssh_ca,
                ssh_keys=tuple(args.ssh_keys),
            )
        )
