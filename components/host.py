"""A hardened Debian host: a droplet without a public interface, made safe by cloud-init.

Deliberately without SSH keys of DigitalOcean's: those are the account's and would be root's; people's public
keys come with user-data, for the one account that is theirs. What the host runs is not decided here either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_digitalocean as digitalocean

from components.cloud_init import HostConfig, user_data
from components.flows import Endpoint
from components.naming import tenant_tag, tier_tag
from components.props import props
from components.tokens import HARDENED_HOST


@dataclass(frozen=True, kw_only=True)
class HardenedHostArgs:
    """`user_data` holds credentials and is kept secret. `after` must exist before the droplet does."""

    tenant: str
    tier: Endpoint
    region: str
    size: str
    image: str
    vpc_id: pulumi.Input[str]
    user_data: pulumi.Input[str] = field(repr=False)
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


def hardened_user_data(
    host_name: str, tier: Endpoint, ip_range: str, ssh_keys: Sequence[str], **known_later: pulumi.Input[Any]
) -> pulumi.Output[str]:
    """The host's user-data, once what it needs of HostConfig is known: names and credentials."""
    return pulumi.Output.all(**known_later).apply(
        lambda values: user_data(
            HostConfig(
                hostname=host_name,
                tier=tier,
                ip_range=IPv4Network(ip_range),
                ssh_keys=tuple(ssh_keys),
                **values,
            )
        )
    )


class HardenedHost(pulumi.ComponentResource):
    """The component's name is the droplet's."""

    droplet_id: pulumi.Output[str]
    droplet_urn: pulumi.Output[str]
    private_address: pulumi.Output[str]

    def __init__(self, name: str, args: HardenedHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.Output.secret(args.user_data)
        super().__init__(HARDENED_HOST, name, {**props(args), "user_data": secret}, opts)
        self.host_name = name
        self.tier = args.tier
        droplet = digitalocean.Droplet(
            name,
            name=name,
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
        self.droplet_id = droplet.id
        self.droplet_urn = droplet.droplet_urn
        self.private_address = droplet.ipv4_address_private
        self.register_outputs(
            {
                "droplet_id": self.droplet_id,
                "droplet_urn": self.droplet_urn,
                "private_address": self.private_address,
            }
        )
