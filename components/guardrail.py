"""The guardrail's place: a host of its own, in its own tier, the agents' only way out.

It is the one host that the vault knows: it reads the tenant's keys, and signs its agents' certificates for
them. The models' routes come with a later release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.access import DatabaseAccess, VaultAccess
from components.delivery import HostDelivery, HostDeliveryArgs
from components.enrolment import Enrolment, EnrolmentArgs
from components.flows import Endpoint
from components.host import HardenedHost, HardenedHostArgs
from components.mesh import Mesh
from components.naming import resource_name
from components.props import props
from components.release import Release
from components.tokens import GUARDRAIL


@dataclass(frozen=True, kw_only=True)
class GuardrailArgs:
    """`names` maps private host names to addresses; `role` and `role_id` are its AppRole in the vault.

    `agents` are the names of the agents' hosts: it does nothing for any other.
    """

    tenant: str
    region: str
    size: str
    image: str
    ip_range: str
    mesh: Mesh
    ssh_ca: str
    ssh_keys: Sequence[str]
    tenant_ca: pulumi.Input[str]
    vault: VaultAccess
    role: str
    role_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    names: pulumi.Input[Mapping[str, str]]
    agents: Sequence[str]
    release: Release = field(metadata={"ordering": True})
    database: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class Guardrail(pulumi.ComponentResource):
    """One host, `<tenant>-guardrail-1`; it is of use to agents once `enrolment` is there."""

    host: HardenedHost
    delivery: HostDelivery
    enrolment: Enrolment

    def __init__(self, name: str, args: GuardrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(GUARDRAIL, name, props(args), opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.host = self._host(args)
        self.delivery = self._delivery(args)
        self.enrolment = Enrolment(
            f"{self.host.host_name}-enrolment",
            EnrolmentArgs(role=args.role, role_id=args.role_id, host=self.host, after=[self.delivery]),
            opts=self._child,
        )
        self.private_address = self.host.private_address
        self.register_outputs({"private_address": self.private_address})

    def _host(self, args: GuardrailArgs) -> HardenedHost:
        return HardenedHost(
            resource_name(args.tenant, "guardrail", 1),
            HardenedHostArgs(
                tenant=args.tenant,
                tier=Endpoint.GUARDRAIL,
                region=args.region,
                size=args.size,
                image=args.image,
                ip_range=args.ip_range,
                mesh=args.mesh,
                ssh_ca=args.ssh_ca,
                ssh_keys=args.ssh_keys,
                vpc_id=args.vpc_id,
                after=args.after,
            ),
            opts=self._child,
        )

    def _delivery(self, args: GuardrailArgs) -> HostDelivery:
        return HostDelivery(
            f"{self.host.host_name}-delivery",
            HostDeliveryArgs(
                tenant=args.tenant,
                tenant_ca=args.tenant_ca,
                names=args.names,
                vault=args.vault,
                agents=args.agents,
                release=args.release,
                host=self.host,
                database=args.database,
            ),
            opts=self._child,
        )
