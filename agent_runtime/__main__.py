"""The commands of the release: `python3 -I agent_runtime.pyz COMMAND`."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from agent_runtime import enrol, guardrail, host, identity, install, journal
from agent_runtime.errors import HostError, SettingsError
from agent_runtime.guardrail_client import GuardrailClient
from agent_runtime.places import Places
from agent_runtime.schedule import Schedule
from agent_runtime.server.server import serve
from agent_runtime.settings import Settings, read_settings
from agent_runtime.volume import DataVolume

COMMANDS = {
    "install": "put this release in place and start what has changed",
    "enrol": "get this host's identity; takes {role, role_id, wrapping_token} on standard input",
    "identity": "keep the identity alive (a service)",
    "guardrail": "serve the guardrail's endpoint (a service)",
    "host": "serve this host's runtime API (a service)",
    "unlock": "unlock the data volume",
    "lock": "lock the data volume",
}
logger = logging.getLogger("agent_runtime")


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="agent_runtime.pyz", description="What runs on a tenant's hosts.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    command = parser.parse_args(arguments).command
    journal.set_up()
    os.umask(0o022)  # services read what `install` makes; a file with a secret is given its mode
    places = Places()
    try:
        _run(command, read_settings(places.settings), places)
    except HostError as error:
        logger.error("%s: %s", command, error)  # noqa: TRY400 -- a line for people, not a traceback
        return 1
    return 0


def _run(command: str, settings: Settings, places: Places) -> None:
    match command:
        case "install":
            restarted = install.install(settings, places, Path(sys.argv[0]).resolve())
            logger.info(
                "installed; started again: %s", ", ".join(restarted) or "nothing, nothing has changed"
            )
        case "enrol":
            enrolled = enrol.enrol(settings, places, enrol.read_given(sys.stdin))
            install.start_enrolled(settings)
            sys.stdout.write(json.dumps(asdict(enrolled)) + "\n")
        case "identity":
            _keep_identity(settings, places)
        case "guardrail":
            serve(guardrail.server(settings, places))
        case "host":
            serve(host.server(settings, places, host.mesh_address()))
        case "unlock":
            _volume(settings, places).unlock(GuardrailClient(settings, places.identity).volume_key)
        case "lock":
            _volume(settings, places).lock()


def _keep_identity(settings: Settings, places: Places) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    journal.tell_systemd("READY=1")
    Schedule(identity.tasks(settings, places)).run_until(stop)


def _volume(settings: Settings, places: Places) -> DataVolume:
    if settings.volume is None:
        raise SettingsError(f"{settings.host} has no data volume in its settings")
    return DataVolume(settings.volume, settings.host, places)


if __name__ == "__main__":
    sys.exit(main())
