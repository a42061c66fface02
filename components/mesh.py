"""A host's membership in the mesh: its key to join by, and the device that it is once it has joined.

Deliberately without a way to remove a device: that is its enrolment's (enrolment.py), and the mesh forgets an
ephemeral device that is gone by itself. A host that takes its place has a name of its own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import cast

import pulumi
import pulumi_command as command
import pulumi_tailscale as tailscale

from components.props import props
from components.tokens import MESH_MEMBERSHIP

KEY_SECONDS = 600
"""How long a key may be used; a droplet that boots joins within a minute."""

JOIN_DEADLINE = "180s"
NOT_FOUND = "could not find device"
"""What the provider says of a device that it has looked for."""

SSH_DEADLINE = 120

DESCRIPTION_LIMIT = 50
"""Tailscale's limit on a key's description, of letters, digits, hyphens and spaces."""

_PIN = f"""\
deadline=$(($(date +%s) + {SSH_DEADLINE}))
while :; do
  key=$(ssh-keyscan -T 2 -t ed25519 "$MESH_ADDRESS" 2>/dev/null | cut -d ' ' -f 2,3)
  [ -z "$key" ] || break
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "$MESH_HOST is in the mesh, but SSH at $MESH_ADDRESS did not answer within {SSH_DEADLINE} s:" >&2
    echo "read its boot's log on the console, then run python -m stacks.replace $MESH_HOST" >&2
    exit 1
  fi
  sleep 0.2
done
printf %s "$key"
"""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """The tailnet as a tenant's hosts see it.

    `login_server` is None for Tailscale's own. `coordination` are the ranges of its coordination servers and
    relays, `peers` those where members may be reached without a relay; hosts speak to no other, and not IPv6.
    """

    login_server: str | None
    coordination: Sequence[str]
    peers: Sequence[str] = ()

    def __post_init__(self) -> None:
        for field, ranges in (("coordination", self.coordination), ("peers", self.peers)):
            for text in ranges:
                _refuse_other_than_a_range(field, text)
        if not self.coordination:
            msg = "mesh.coordination is empty, so no host could join; give the ranges of its servers"
            raise ValueError(msg)


def _refuse_other_than_a_range(field: str, text: str) -> None:
    try:
        IPv4Network(text)
    except ValueError as error:
        msg = f"mesh.{field} has {text!r}: {error}; write IPv4 ranges such as 192.0.2.0/24"
        raise ValueError(msg) from error


@dataclass(frozen=True, kw_only=True)
class MeshMembershipArgs:
    """`hostname` is the device's, which no other has had; `droplet_id` is the droplet that joins by it."""

    host_name: str
    hostname: pulumi.Input[str]
    droplet_id: pulumi.Input[str]


class NotInTheMeshError(pulumi.RunError):
    """A host did not join the mesh, or is no longer in it."""


class MeshMembership(pulumi.ComponentResource):
    """`host_key` is pinned through the mesh, where WireGuard has proven which device it is."""

    device_id: pulumi.Output[str]
    address: pulumi.Output[str]
    host_key: pulumi.Output[str]

    def __init__(
        self, name: str, args: MeshMembershipArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(MESH_MEMBERSHIP, name, props(args), opts)
        device = _device(args)
        self.device_id = device.apply(lambda found: found.node_id)
        self.address = device.apply(lambda found: _ipv4(found.addresses))
        self.host_key = self._host_key(name, args).stdout
        self.register_outputs(
            {"device_id": self.device_id, "address": self.address, "host_key": self.host_key}
        )

    def _host_key(self, name: str, args: MeshMembershipArgs) -> command.local.Command:
        return command.local.Command(
            f"{name}-host-key",
            create=_PIN,
            environment={"MESH_HOST": args.host_name, "MESH_ADDRESS": self.address},
            triggers=[args.droplet_id],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _device(args: MeshMembershipArgs) -> pulumi.Output[tailscale.GetDeviceResult]:
    """Looked up once the droplet exists: until then its name in the mesh counts as unknown."""
    known = pulumi.Output.all(args.hostname, args.droplet_id)
    return known.apply(lambda values: _find(args.host_name, str(values[0])))


async def _find(host_name: str, hostname: str) -> tailscale.GetDeviceResult:
    device = tailscale.get_device_output(hostname=hostname, wait_for=JOIN_DEADLINE)
    try:
        return cast("tailscale.GetDeviceResult", await device.future())
    except Exception as error:  # the SDK raises nothing narrower for a call that failed
        reason = str(error).rpartition(" returned an error: ")[2]
        raise NotInTheMeshError(_absence(host_name, reason)) from error


def _absence(host_name: str, reason: str) -> str:
    """Only a host that was looked for in vain is to be replaced, and not one that nobody could look for."""
    if NOT_FOUND not in reason.lower():
        return f"the tailnet can't be asked for {host_name}: {reason}"
    return (
        f"{host_name} is not in the mesh, after {JOIN_DEADLINE}: if it has just booted, its console says "
        f"why; `python -m stacks.replace {host_name}` makes another"
    )


def _ipv4(addresses: Sequence[str]) -> str:
    return next(address for address in addresses if ":" not in address)


def mesh_key(
    host_name: str, tag: str, replaces: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> tailscale.TailnetKey:
    """A key that lets one host in, once, within minutes, as `tag`.

    `replaces` is whatever replaces the droplet: by its digest in the description a droplet's successor has a
    key of its own.
    """
    return tailscale.TailnetKey(
        f"{host_name}-mesh-key",
        description=pulumi.Output.from_input(replaces).apply(lambda text: _description(host_name, text)),
        ephemeral=True,
        reusable=False,
        preauthorized=True,
        expiry=KEY_SECONDS,
        recreate_if_invalid="never",
        tags=[tag],
        opts=opts,
    )


def _description(host_name: str, replaces: str) -> str:
    digest = hashlib.sha256(replaces.encode()).hexdigest()[:12]
    return f"{host_name[: DESCRIPTION_LIMIT - 13]} {digest}"
