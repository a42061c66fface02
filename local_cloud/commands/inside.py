"""`exec` and `console`: this process becomes the command, in the operator's or a droplet's namespaces.

Nothing is wrapped, so signals, the terminal and the exit code are the command's own. Only the standard
library is imported: these start often.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from local_cloud.errors import CloudIsDownError, LocalCloudError
from local_cloud.hypervisor.containers.entering import entering
from local_cloud.lifecycle.api import call
from local_cloud.lifecycle.state import Supervisor, read_tailscale_key, read_token
from local_cloud.state_directory import state_directory

# Files are the caller's own, but for /etc/resolv.conf; where there is none, the resolver answers anyway.
_WITH_RESOLVER = '[ ! -e /etc/resolv.conf ] || mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'

DROPLET_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
}


class DropletError(LocalCloudError):
    """There is no one running droplet of that name or id."""


def run(arguments: Sequence[str]) -> bool:
    """Become `exec` or `console` when these are their arguments, and return False when they aren't.

    Anything unusual (an option, nothing to run) is left to the command line proper, which explains itself.
    """
    match [argument for index, argument in enumerate(arguments) if (argument, index) != ("--", 1)]:
        case ["exec", str(program), *rest] if not program.startswith("-"):
            execute(state_directory(), [program, *rest])
        case ["console", str(droplet), *rest] if not droplet.startswith("-"):
            console(state_directory(), droplet, rest[1:] if rest[:1] == ["--"] else rest)
    return False


def execute(state_dir: Path, command: Sequence[str]) -> NoReturn:
    """Become `command` in the operator's network, with the resolver there. Raises CloudIsDownError."""
    supervisor = Supervisor.running(state_dir)
    network = ["nsenter", f"--net={supervisor.root}/run/netns/operator"]
    mounts = ["unshare", "--mount", "--propagation=slave"]
    resolver = ["sh", "-c", _WITH_RESOLVER, "sh", str(state_dir / "resolv.conf")]
    environment = {**os.environ, **operator_environment(state_dir, supervisor)}
    os.execvpe("nsenter", [*network, *mounts, *resolver, *command], environment)  # noqa: S606 - no shell


def operator_environment(state_dir: Path, supervisor: Supervisor) -> dict[str, str]:
    """The toolchain's variables, and where the APIs and the vault are, with what it takes to be let in."""
    token = read_token(state_dir)
    return {
        **_toolchain_environment(Path(supervisor.toolchain_manifest)),
        "DIGITALOCEAN_API_URL": supervisor.url,
        "DIGITALOCEAN_TOKEN": token,
        "DIGITALOCEAN_ACCESS_TOKEN": token,
        "TAILSCALE_BASE_URL": supervisor.url,
        "TAILSCALE_API_KEY": read_tailscale_key(state_dir),
        "TAILSCALE_TAILNET": "-",
        **_vault_environment(state_dir / "vault"),
        "LOCAL_CLOUD_STATE_DIR": str(state_dir),
    }


def _vault_environment(directory: Path) -> dict[str, str]:
    """Nothing where there is no vault: what needs one says so itself."""
    try:
        return {
            "VAULT_ADDR": (directory / "address").read_text().strip(),
            "VAULT_CACERT": str(directory / "ca.crt"),
            "VAULT_TOKEN": (directory / "operator-token").read_text().strip(),
        }
    except FileNotFoundError:
        return {}


def _toolchain_environment(manifest: Path) -> dict[str, str]:
    try:
        environment: dict[str, str] = json.loads(manifest.read_text())["environment"]
    except FileNotFoundError:
        raise CloudIsDownError(
            f"the toolchain manifest {manifest} has gone: run `python -m toolchain`"
        ) from None
    return environment


def console(state_dir: Path, droplet: str, command: Sequence[str]) -> NoReturn:
    """Become `command`, or a root shell, in the droplet of this name or id, with what it may do and use.

    Raises DropletError, CloudIsDownError.
    """
    supervisor = Supervisor.running(state_dir)
    status = call(state_dir, supervisor, "GET", "/_local/status")
    machine = find_droplet(status["machines"], droplet)
    pid = _outside(machine["leader"], supervisor.init.pid)
    arguments = entering(pid, command or ["/bin/bash", "-l"])
    # Of the caller's environment, which may hold tokens, nothing but the terminal's name goes in.
    environment = {**DROPLET_ENVIRONMENT, "TERM": os.environ.get("TERM", "dumb")}
    os.execvpe(arguments[0], arguments, environment)  # noqa: S606 - no shell


def find_droplet(machines: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    """The running droplet of this id or name; names need not be unique. Raises DropletError."""
    found = [machine for machine in machines if wanted in (str(machine["id"]), machine["name"])]
    if not found:
        known = ", ".join(sorted(str(machine["name"]) for machine in machines)) or "none"
        raise DropletError(f"there is no droplet {wanted!r}; there are: {known}")
    if len(found) > 1:
        ids = ", ".join(str(machine["id"]) for machine in found)
        raise DropletError(f"{len(found)} droplets are named {wanted!r}: give an id, one of {ids}")
    if found[0]["leader"] is None:
        raise DropletError(f"droplet {wanted!r} is {found[0]['status']}: power it on first")
    return found[0]


def _outside(leader: int, init: int) -> int:
    """The process id, out here, of a droplet's init that has the id `leader` in the cloud's namespace."""
    namespace = _process_namespace(init)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _id_and_parent(entry)[0] == leader:
            parent = _id_and_parent(entry)[1]
            if parent is not None and _process_namespace(parent) == namespace:
                return int(entry.name)
    raise DropletError(f"the droplet's init (process {leader} of the cloud) has just ended: try again")


def _id_and_parent(process: Path) -> tuple[int | None, int | None]:
    """Of a process that is the first of its own namespace: its id one namespace further out, its parent."""
    try:
        status = (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None, None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    ids = fields["NSpid"].split()
    return (int(ids[-2]), int(fields["PPid"])) if len(ids) > 1 and ids[-1] == "1" else (None, None)


def _process_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""
