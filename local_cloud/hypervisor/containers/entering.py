"""How a command is started inside a running machine: with its namespaces, its limits, its capabilities.

`nsenter` alone would give the command all capabilities and devices of who calls it, and run a program from
the machine's disk with them. Only the standard library is imported: a console starts with this.
"""

from collections.abc import Sequence
from pathlib import Path

from local_cloud.hypervisor.containers.cgroups import ROOT, joining


def entering(leader: int, command: Sequence[str]) -> list[str]:
    """The arguments that start `command` in the machine whose init is process `leader`, as seen here."""
    inside = ["nsenter", f"--target={leader}", "--all", "--", *command]
    return joining(_groups_of(leader), ["setpriv", f"--bounding-set={_bounding_set(leader)}", *inside])


def _groups_of(leader: int, root: Path = ROOT) -> list[Path]:
    """The groups of the machine's init, in every hierarchy that is mounted here."""
    found = []
    for line in Path(f"/proc/{leader}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for name in _directories(controllers):
            procs = root / name / path.removeprefix("/") / "cgroup.procs"
            if path != "/" and procs.exists():
                found.append(procs)
                break
    return found


def _directories(controllers: str) -> tuple[str, ...]:
    return (controllers.removeprefix("name="),) if controllers else ("unified", "")


def _bounding_set(leader: int) -> str:
    status = Path(f"/proc/{leader}/status").read_text()
    bits = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return ",".join(["-all", *(f"+cap_{bit}" for bit in range(bits.bit_length()) if bits >> bit & 1)])
