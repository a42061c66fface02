"""The guardrail's place: a host of its own, in its own tier, the agents' only way out.

What runs on it comes with a later release; its first boot prepares the tenant's database, since it is the one
host that every tenant has exactly one of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.cloud_init import DatabaseAccess
from components.flows import Endpoint
from components.host import HardenedHost, HardenedHostArgs, hardened_user_data
from components.naming import resource_name
from components.props import props
from components.tokens import GUARDRAIL


@dataclass(frozen=True, kw_only=True)
class GuardrailArgs:
    """`names` maps private host names to addresses; `administrator` is used once, to prepare the database."""

    tenant: str
    region: str
    size: str
    image: str
    ip_range: str
    ssh_keys: Sequence[str]
    vpc_id: pulumi.Input[str]
    names: pulumi.Input[Mapping[str, str]]
    database: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    administrator: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class Guardrail(pulumi.ComponentResource):
    """One host, `<tenant>-guardrail-1`."""

    host: HardenedHost

    def __init__(self, name: str, args: GuardrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(GUARDRAIL, name, props(args), opts)
        host_name = resource_name(args.tenant, "guardrail", 1)
        self.host = HardenedHost(
            host_name,
            HardenedHostArgs(
                tenant=args.tenant,
                tier=Endpoint.GUARDRAIL,
                region=args.region,
                size=args.size,
                image=args.image,
                vpc_id=args.vpc_id,
                user_data=_user_data(host_name, args),
                after=args.after,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.private_address = self.host.private_address
        self.register_outputs({"private_address": self.private_address})


def _user_data(host_name: str, args: GuardrailArgs) -> pulumi.Output[str]:
    return hardened_user_data(
        host_name,
        Endpoint.GUARDRAIL,
        args.ip_range,
        args.ssh_keys,
        names=args.names,
        database=args.database,
        administrator=args.administrator,
    )
