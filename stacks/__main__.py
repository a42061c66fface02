"""What `pulumi up` runs. Nothing else of Tenantry reads Pulumi config."""

import pulumi

from stacks.errors import StacksError
from stacks.program import program
from stacks.spec import parse_spec


def main() -> None:
    """Declares the tenant of the selected stack; a refused spec ends the program without a traceback."""
    try:
        program(parse_spec(pulumi.Config("tenantry").get_object("spec")))
    except StacksError as error:
        raise pulumi.RunError(str(error)) from error


main()
