"""What this local cloud has of DigitalOcean's API, from the code itself.

`python -m local_cloud.digitalocean.coverage > docs/local-cloud-coverage.md` writes it down.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from local_cloud.digitalocean.operations import Operation, operations
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.services import SERVICES

State = Literal["real", "API only", "absent"]

HEAD = """# What the local cloud has of DigitalOcean

Made from the code by `python -m local_cloud.digitalocean.coverage`; a test holds the two together.

- **real**: machines, networks, firewalls, servers or disks on this machine stand behind it.
- **API only**: the API answers and remembers; nothing needs to stand behind it.
- **absent**: answers 501, with its name.

Resources and operations are named as in pydo, DigitalOcean's own client for Python.

| resource | state | operations that answer | operations that are absent |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    resource: str
    state: State
    present: tuple[str, ...]
    absent: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "state": self.state,
            "present": list(self.present),
            "absent": list(self.absent),
        }


def table() -> list[Row]:
    """A row for each resource: first those that are here, by name."""
    groups: dict[str, list[Operation]] = {}
    for operation in operations():
        groups.setdefault(operation.group, []).append(operation)
    rows = [_row(group, members) for group, members in groups.items()]
    order: tuple[State, ...] = ("real", "API only", "absent")
    return sorted(rows, key=lambda row: (order.index(row.state), row.resource))


def service_of(operation: Operation) -> Service | None:
    """The service that answers an operation, found as the router finds it."""
    scope = {"type": "http", "method": operation.method, "path": operation.example, "headers": []}
    return next((service for service in SERVICES if service.answers(scope)), None)


def markdown(rows: Iterable[Row]) -> str:
    lines = [
        f"| {row.resource} | {row.state} | {_listed(row.present)} | "
        f"{'all' if row.state == 'absent' else _listed(row.absent)} |"
        for row in rows
    ]
    return HEAD + "\n".join(lines) + "\n"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _row(group: str, members: list[Operation]) -> Row:
    found = {operation.name: service_of(operation) for operation in members}
    backings = {service.backing for service in found.values() if service}
    state: State = "real" if "real" in backings else "API only" if backings else "absent"
    return Row(
        resource=group,
        state=state,
        present=tuple(name for name, service in found.items() if service),
        absent=tuple(name for name, service in found.items() if not service),
    )
