"""`python -m stacks.allocate TENANT`: give a tenant its address range, once and for all."""

import sys
from typing import Annotated

import typer

from components.naming import NameRefusedError
from stacks import addressing
from stacks.errors import StacksError


def allocate(tenant: Annotated[str, typer.Argument(help="The tenant's name.")]) -> None:
    """Write the tenant's range into addresses.yaml, and print it; a tenant that has one keeps it."""
    try:
        block = addressing.allocate(tenant, addressing.LEDGER)
    except (StacksError, NameRefusedError) as error:
        typer.echo(f"nothing was allocated: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"nothing was allocated: can't write {addressing.LEDGER}: {error.strerror}", err=True)
        sys.exit(1)
    typer.echo(f"{tenant} {block}")


if __name__ == "__main__":
    typer.run(allocate)
