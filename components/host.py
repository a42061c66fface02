"""A hardened Debian host: a droplet without a public interface, made safe by cloud-init.

Deliberately without SSH keys of DigitalOcean's: those are the account's and would be root's; people's public
keys come with user-data, for the one account that is theirs. What the host runs is not decided here either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_digitalocean as digitalocean

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


class HardenedHost(pulumi.ComponentResource):
    """The component's name is the droplet's."""

    droplet_id: pulumi.Output[str]
    droplet_urn: pulumi.Output[str]
    private_address: pulumi.Output[str]

    def __init__(self, name: str, args: HardenedHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        user_data = pulumi.Output.secret(args.user_data)
        super().__init__(HARDENED_HOST, name, {**props(args), "user_data": user_data}, opts)
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
            user_data=user_data,
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
