"""What `pulumi up` runs: the platform's program, or a tenant's. Nothing else reads Pulumi config."""

import os

import pulumi

from components.errors import TenantryError
from components.naming import PLATFORM
from stacks.policy_pack import refuse_without_pack


def main() -> None:
    """Declares what the selected stack holds; a refused spec ends the program without a traceback."""
    content = pulumi.Config("tenantry").get_object("spec")
    declare = _platform if pulumi.get_stack() == PLATFORM else _tenant
    try:
        refuse_without_pack(os.environ)
        declare(content)
    except TenantryError as error:
        raise pulumi.RunError(str(error)) from error


# Each imports only its own: the SDKs of the other would cost every update half a second.


def _platform(content: object) -> None:
    from stacks.platform_program import platform_program  # noqa: PLC0415
    from stacks.platform_spec import parse_platform_spec  # noqa: PLC0415

    platform_program(parse_platform_spec(content))


def _tenant(content: object) -> None:
    from stacks.program import program  # noqa: PLC0415
    from stacks.spec import parse_spec  # noqa: PLC0415

    program(parse_spec(content))


main()
