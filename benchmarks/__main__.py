"""`python -m benchmarks [--cold]`: one run, one table."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.cloud import Cloud

AGENTS = (1, 3, 10)


class Rows:
    """The measurements, said as they come, and as a table of ratios in the end."""

    def __init__(self) -> None:
        self._console = Console()
        self._rows: list[tuple[str, float]] = []

    def add(self, what: str, seconds: float) -> float:
        self._rows.append((what, seconds))
        self._console.print(f"{what}: {seconds:.1f} s", highlight=False)
        return seconds

    def note(self, text: str) -> None:
        """A ratio of two measurements."""
        self._console.print(text, highlight=False)

    def show(self, *, empty: float, alone: float, one: float) -> None:
        """Each time beside what it is compared with."""
        table = Table(title="Measured in one run", title_justify="left")
        for heading in ("what", "seconds", "/ empty up", "/ one droplet", "/ one agent"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for what, seconds in self._rows:
            ratios = (f"{seconds / base:.1f}" for base in (empty, alone, one))
            table.add_row(what, f"{seconds:.1f}", *ratios)
        self._console.print(table)


def bench(
    *, cold: Annotated[bool, typer.Option(help="Also set up the toolchain with an empty cache.")] = False
) -> None:
    """Measure, side by side, on a local cloud of its own."""
    rows = Rows()
    with Cloud() as cloud:
        empty = rows.add("empty `pulumi up`", measure.empty_up(cloud))
        alone = rows.add("one droplet through the API, to the end of cloud-init", measure.one_droplet(cloud))
        rows.add("platform: `up`", measure.platform_up(cloud, [_name(agents) for agents in AGENTS]))
        times = {agents: _tenant(rows, cloud, agents) for agents in AGENTS}
    rows.add("warm toolchain", measure.warm_toolchain())
    whole, verified = measure.warm_set_up()
    rows.add("acme and globex: verify", verified)
    rows.add("warm `make up`: cloud, platform, acme and globex, verified", whole)
    if cold:
        rows.add("cold toolchain", measure.cold_toolchain())
    rows.show(empty=empty, alone=alone, one=times[1])


def _name(agents: int) -> str:
    return f"bench{agents}"


def _tenant(rows: Rows, cloud: Cloud, agents: int) -> float:
    tenant = _name(agents)
    name = "1 agent" if agents == 1 else f"{agents} agents"
    up = rows.add(f"{name}: `up`, every host enrolled", measure.tenant_up(cloud, tenant, agents))
    rows.add(f"{name}: `up` with no changes", measure.unchanged_up(cloud, tenant))
    judged, unjudged = measure.previews(cloud, tenant)
    rows.add(f"{name}: preview, judged by the policy pack", judged)
    rows.add(f"{name}: preview without the pack", unjudged)
    rows.note(f"{name}: the pack costs {judged / unjudged - 1:.0%} of a preview")
    verified = rows.add(f"{name}: verify", measure.verification(cloud, tenant))
    rows.add(f"{name}: ready and verified", up + verified)
    if agents == 1:
        rows.add("one host more, to its first answer over the mesh", measure.host_in_the_mesh(cloud, tenant))
    rows.add(f"{name}: destroy", measure.destroy(cloud, tenant))
    return up


if __name__ == "__main__":
    typer.run(bench)
