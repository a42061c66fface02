"""What this local cloud has of Tailscale's API, from the code itself; the table in docs/tailscale-api.md.

`python -m local_cloud.tailscale.coverage` prints it.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from starlette.routing import Match

from local_cloud.digitalocean.operations import Operation
from local_cloud.tailscale.service import PREFIX, Service
from local_cloud.tailscale.services import SERVICES

FILE = Path(__file__).with_name("operations.txt")


@cache
def operations() -> tuple[Operation, ...]:
    lines = FILE.read_text().splitlines()
    return tuple(Operation(*line.split()) for line in lines if line and not line.startswith("#"))


def operation_of(method: str, path: str) -> Operation | None:
    """The operation that a call means, whether it is here or not."""
    short = path.removeprefix(PREFIX).rstrip("/")
    fitting = [one for one in operations() if one.method == method and one.fits(short)]
    return max(fitting, key=lambda one: one.literals, default=None)


def service_of(operation: Operation) -> Service | None:
    """The service that answers an operation, found as the router finds it."""
    scope = {"type": "http", "method": operation.method, "path": PREFIX + operation.example, "headers": []}
    return next(
        (
            service
            for service in SERVICES
            if any(route.matches(scope)[0] is Match.FULL for route in service.router.routes)
        ),
        None,
    )


def markdown() -> str:
    """A row for each group, as in Tailscale's own documentation."""
    lines = [
        "| resource | state | operations that answer | operations that answer 501 |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *_rows(), ""])


def _rows() -> Iterator[str]:
    for group in dict.fromkeys(one.group for one in operations()):
        found = {one.name: service_of(one) for one in operations() if one.group == group}
        backings = {service.backing for service in found.values() if service}
        state = "real" if "real" in backings else "API only" if backings else "absent"
        present = _listed(name for name, service in found.items() if service)
        absent = _listed(name for name, service in found.items() if not service)
        yield f"| {group} | {state} | {present} | {absent} |"


def _listed(names: Iterator[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


if __name__ == "__main__":
    sys.stdout.write(markdown())
