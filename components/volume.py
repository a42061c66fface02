"""A host's data volume: it outlives the host, and what stands in its place gets it.

Deliberately without a file system of DigitalOcean's making: the host makes one that encrypts, with a key of
the vault's, when it has proven who it is (agent_runtime). DigitalOcean sees ciphertext.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_digitalocean as digitalocean

from components.naming import tenant_tag, tier_tag
from components.props import props
from components.tokens import DATA_VOLUME


def volume_name(host_name: str) -> str:
    """The name of a host's volume; the host finds its device by it."""
    return f"{host_name}-data"


@dataclass(frozen=True, kw_only=True)
class DataVolumeArgs:
    """`gib` may grow and never shrink. `protect` refuses the data's deletion, whoever asks for it."""

    tenant: str
    tier: str
    region: str
    gib: int
    droplet_id: pulumi.Input[str]
    protect: bool = True
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class DataVolume(pulumi.ComponentResource):
    """The component's name is the volume's. Whoever mounts it comes after this component."""

    volume_id: pulumi.Output[str]

    def __init__(self, name: str, args: DataVolumeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(DATA_VOLUME, name, props(args), opts)
        self.volume_name = name
        volume = digitalocean.Volume(
            name,
            name=name,
            region=args.region,
            size=args.gib,
            description=f"Encrypted data of the tenant {args.tenant}",
            tags=[tenant_tag(args.tenant), tier_tag(args.tenant, args.tier)],
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=list(args.after)),
        )
        # It can be in one droplet alone: out of the old one before it goes into its successor.
        digitalocean.VolumeAttachment(
            f"{name}-attachment",
            volume_id=volume.id,
            droplet_id=pulumi.Output.from_input(args.droplet_id).apply(int),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.volume_id = volume.id
        self.register_outputs({"volume_id": self.volume_id})
