"""What `status` shows."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local_cloud.lifecycle.api import call
from local_cloud.lifecycle.state import Supervisor


def show(state_dir: Path) -> None:
    """Print the supervisor and its droplets and databases. Raises CloudIsDownError when it is down."""
    supervisor = Supervisor.running(state_dir)
    status = call(state_dir, supervisor, "GET", "/_local/status")
    console = Console()
    console.print(f"up since {supervisor.started_at}, process {supervisor.pid}, API {supervisor.url}")
    for kind in ("machines", "databases"):
        console.print(_table({"machines": "droplets"}.get(kind, kind), status.get(kind, [])))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    columns = ("id", "name", "status", "addresses")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(_text(row.get(column, "")) for column in columns))
    return table


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
