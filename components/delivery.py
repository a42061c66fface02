"""What a host is brought over the mesh: its release, its credentials, and the names that it knows.

All of it changes in place: a new password or a new release replaces no host. What a host proves its identity
by comes after it, and is no resource's (components/enrolment.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_command as command

from components.access import CacheAccess, DatabaseAccess, VaultAccess
from components.cloud_init.delivery import INCOMING, RECEIVE
from components.credentials import (
    DIRECTORY,
    HOST_FILE,
    PUBLIC_CAS,
    TENANT_CA,
    VAULT_CA,
    cache_credentials,
    database_credentials,
    mode_of,
)
from components.host import HardenedHost
from components.naming import guardrail_name
from components.props import props
from components.release import Release
from components.remote import connection
from components.tokens import HOST_DELIVERY
from components.vault_layout import CERTIFICATE_SECONDS


@dataclass(frozen=True, kw_only=True)
class HostDeliveryArgs:
    """`names` maps private host names to addresses; `tenant_ca` is in PEM.

    `vault` and `agents`, the names of all agents' hosts, are the guardrail's alone, `cache` the agents'.
    `volume` is the name of the host's data volume.
    """

    tenant: str
    tenant_ca: pulumi.Input[str]
    names: pulumi.Input[Mapping[str, str]]
    volume: str | None = None
    vault: VaultAccess | None = None
    agents: Sequence[str] | None = None
    release: Release = field(metadata={"ordering": True})
    host: HardenedHost = field(metadata={"ordering": True})
    database: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    cache: pulumi.Output[CacheAccess] | None = field(default=None, repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class HostDelivery(pulumi.ComponentResource):
    """Once it is there, the host runs the release as far as it can without an identity."""

    release: str

    def __init__(self, name: str, args: HostDeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(HOST_DELIVERY, name, props(args), opts)
        self.release = args.release.digest
        copy = self._copy(args)
        sent: pulumi.Output[str] = pulumi.Output.secret(_sent(args))
        command.remote.Command(
            name,
            connection=connection(args.host),
            create=f"sudo {RECEIVE}",
            stdin=sent,
            triggers=[args.host.droplet_id],
            logging=command.remote.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[copy, *args.after]),
        )
        self.register_outputs({"release": self.release})

    def _copy(self, args: HostDeliveryArgs) -> command.remote.CopyToRemote:
        return command.remote.CopyToRemote(
            f"{args.host.host_name}-release",
            connection=connection(args.host),
            source=pulumi.FileAsset(args.release.path),
            remote_path=f"{INCOMING}/{args.release.digest}.pyz",
            triggers=[args.host.droplet_id],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _sent(args: HostDeliveryArgs) -> pulumi.Output[str]:
    """What `receive` takes on standard input."""
    return pulumi.Output.all(
        names=args.names,
        tenant_ca=args.tenant_ca,
        database=args.database,
        cache=args.cache,
        address=args.host.private_address,
    ).apply(lambda known: _text(args, known))


def _text(args: HostDeliveryArgs, known: Mapping[str, Any]) -> str:
    files = {
        **database_credentials(known["database"]),
        **(cache_credentials(known["cache"]) if known["cache"] else {}),
        **({VAULT_CA: args.vault.certificate} if args.vault and args.vault.certificate else {}),
        TENANT_CA: known["tenant_ca"],
        HOST_FILE: json.dumps(_host(args, known["address"]), indent=2, sort_keys=True) + "\n",
    }
    sent = {
        "files": [
            {"name": path.removeprefix(f"{DIRECTORY}/"), "mode": mode_of(path), "content": content}
            for path, content in sorted(files.items())
        ],
        "names": known["names"],
        "release": args.release.digest,
    }
    return json.dumps(sent, sort_keys=True)


def _host(args: HostDeliveryArgs, address: str) -> dict[str, Any]:
    """/etc/tenantry/host.json: what the release needs to know of its host, and nothing secret."""
    vault = args.vault and {
        "address": args.vault.address,
        "certificate": VAULT_CA if args.vault.certificate else PUBLIC_CAS,
    }
    return {
        "tenant": args.tenant,
        "host": args.host.host_name,
        "tier": args.host.tier.value,
        "vpc_address": address,
        "guardrail": guardrail_name(args.tenant),
        "tenant_ca": TENANT_CA,
        "certificate_ttl": CERTIFICATE_SECONDS,
        "volume": args.volume,
        "release": args.release.digest,
        "vault": vault,
        "agents": None if args.agents is None else sorted(args.agents),
    }
