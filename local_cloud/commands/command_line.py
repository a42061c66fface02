"""The command line: up, down, status, reset, logs, exec and console."""

import os
from typing import Annotated

import typer

from local_cloud.commands import inside
from local_cloud.commands.status import show
from local_cloud.lifecycle import up_and_down
from local_cloud.settings import Settings
from local_cloud.state_directory import state_directory

_PASSES_EVERYTHING_ON = {"allow_interspersed_args": False, "ignore_unknown_options": True}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="DigitalOcean on this machine: its API, with real machines behind it.",
)


@app.command()
def up() -> None:
    """Start the local cloud, with all that it had; one that runs is left as it is."""
    supervisor, started = up_and_down.up(Settings.load())
    typer.echo(f"the local cloud {'is up' if started else 'was up already'}: {supervisor.url}")


@app.command()
def down() -> None:
    """Stop everything; disks, volumes and databases stay for the next `up`."""
    stopped = up_and_down.down(Settings.load())
    typer.echo(
        "the local cloud is down" if stopped else "the local cloud was not running; nothing is left of it"
    )


@app.command()
def status() -> None:
    """Show what runs."""
    show(state_directory())


@app.command()
def reset() -> None:
    """Delete every resource of every account, disks and volumes too."""
    up_and_down.reset(Settings.load())
    typer.echo("the local cloud is empty")


@app.command()
def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more are written.")] = False,  # noqa: FBT002
) -> None:
    """Show the supervisor's log."""
    log = state_directory() / "supervisor.log"
    if not log.exists():
        typer.echo(f"there is no log at {log}: `python -m local_cloud up` writes one", err=True)
        raise typer.Exit(1)
    os.execvp("tail", ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), str(log)])  # noqa: S606


@app.command(name="exec", context_settings=_PASSES_EVERYTHING_ON)
def exec_(command: Annotated[list[str], typer.Argument(help="The command and its arguments.")]) -> None:
    """Run a command as the operator: with the API, the resolver and the toolchain's environment."""
    inside.execute(state_directory(), command)


@app.command(context_settings=_PASSES_EVERYTHING_ON)
def console(
    droplet: Annotated[str, typer.Argument(help="A droplet's name or id.")],
    command: Annotated[list[str] | None, typer.Argument(help="Instead of a shell.")] = None,
) -> None:
    """Open a root shell in a droplet, or run a command there: DigitalOcean's recovery console."""
    inside.console(state_directory(), droplet, command or [])
