"""A host's enrolment: it is told, once, a secret by which the vault knows it, and gets an identity by it.

The secret is made when it is needed, wrapped so that it opens once and within minutes, and piped to the host
over the mesh: no resource has it, and this one's state holds nothing secret. A dismissed host loses its token
and its place in the mesh before its droplet goes: left alone, one lives for an hour, the other for longer.
Hosts speak to the vault through the guardrail, the speaker: the secret works from its address alone. It also
keeps the records of its agents' enrolments, so they enrol anew with another droplet.
Deliberately no renewal: a host renews its certificate by itself, and one that lost its identity is replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.host import HardenedHost
from components.props import props
from components.tokens import ENROLMENT

_IDENTITY = (
    "host",
    "tier",
    "role",
    "role_id",
    "address",
    "host_key",
    "device_id",
    "speaker_address",
    "speaker_droplet_id",
)


@dataclass(frozen=True, kw_only=True)
class EnrolmentArgs:
    """`role` is the AppRole that the host is given, `role_id` its id in the vault.

    An agent enrols `through` the guardrail, by its enrolment. `after` is what the host needs first.
    """

    role: str
    role_id: pulumi.Input[str]
    host: HardenedHost = field(metadata={"ordering": True})
    through: "Enrolment | None" = field(default=None, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class Enrolment(pulumi.ComponentResource):
    """Once it is there, the host has its certificate and runs its services. `serial` is the certificate's."""

    serial: pulumi.Output[str]

    def __init__(self, name: str, args: EnrolmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ENROLMENT, name, props(args), opts)
        self.host = args.host
        speaker = args.through.host if args.through else args.host
        first = [*args.after, *([args.through] if args.through else [])]
        enrolled = _Enrolled(
            _Provider(),
            name,
            {
                "host": args.host.host_name,
                "tier": args.host.tier.value,
                "role": args.role,
                "role_id": args.role_id,
                "address": args.host.mesh_address,
                "host_key": args.host.host_key,
                "device_id": args.host.device_id,
                "droplet_id": args.host.droplet_id,
                "speaker_address": speaker.mesh_address,
                "speaker_droplet_id": speaker.droplet_id,
                "serial": None,
                "accessor": None,
            },
            pulumi.ResourceOptions(parent=self, depends_on=first),
        )
        self.serial = enrolled.serial
        self.register_outputs({"serial": self.serial})


class _Enrolled(Resource, module="tenantry", name="EnrolledHost"):
    """`accessor` is that of the token which the guardrail keeps."""

    serial: pulumi.Output[str]
    accessor: pulumi.Output[str | None]


class _Provider(ResourceProvider):
    """Enrolling again is harmless. The work is imported where it is done: the program needs no SSH client."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        from components.enrolling import enrol  # noqa: PLC0415

        return CreateResult(id_=props["host"], outs={**props, **enrol(props)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """A new droplet is another host, and the old one is dismissed; anything else is a new identity."""
        is_another = _olds.get("droplet_id") != _news["droplet_id"]
        changes = is_another or any(_olds.get(key) != _news[key] for key in _IDENTITY)
        return DiffResult(changes=changes, replaces=["droplet_id"] if is_another else [])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from components.enrolling import enrol, revoke  # noqa: PLC0415

        outs = {**_news, **enrol(_news)}
        revoke(_olds)
        return UpdateResult(outs=outs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from components.enrolling import dismiss  # noqa: PLC0415

        dismiss(_props)
