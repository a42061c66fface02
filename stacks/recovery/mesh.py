"""What a crash has left of a tenant's in the tailnet: devices of hosts that no state knows, and unused keys.

A host's name in the tailnet follows from its key, which is in the state before its droplet is made: so a
device whose name no key of the state explains belongs to no host that there is. A key that no state has is
known to nobody any more, and would end by itself; it is revoked all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from components.flows import HOST_TIERS
from components.naming import mesh_hostname, mesh_tag
from components.tailnet import AuthKey, Device
from stacks.checkpoint import Checkpoint
from stacks.mesh_keys import SUFFIX
from stacks.resource_types import TAILNET_KEY


@dataclass(frozen=True, kw_only=True)
class Strays:
    """Of one tenant."""

    devices: tuple[Device, ...]
    keys: tuple[AuthKey, ...]


def strays(tenant: str, checkpoint: Checkpoint, devices: Iterable[Device], keys: Iterable[AuthKey]) -> Strays:
    """Known by the tenant's tags, so that nothing of another tenant's or of people's is among them."""
    tags = {mesh_tag(tenant, tier) for tier in HOST_TIERS}
    known = checkpoint.named(TAILNET_KEY)
    expected = {mesh_hostname(name.removesuffix(SUFFIX), key) for name, key in known.items()}
    return Strays(
        devices=tuple(each for each in devices if each.tags & tags and each.hostname not in expected),
        keys=tuple(each for each in keys if each.tags & tags and each.id not in known.values()),
    )
