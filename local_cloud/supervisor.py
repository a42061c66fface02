"""The one process that holds the local cloud, inside namespaces of its own: the API and all behind it.

Started by `lifecycle`, never by hand. Its death is the death of everything in its process namespace.
"""

import argparse
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import uvicorn

from local_cloud.digitalocean.app import create_app as create_digitalocean
from local_cloud.dispatcher import Dispatcher
from local_cloud.hypervisor.certificates import write_private
from local_cloud.hypervisor.hypervisor import Hypervisor
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.namespaces import entered
from local_cloud.hypervisor.networks.names import OPERATOR_RESOLVERS
from local_cloud.hypervisor.networks.networks import OPERATOR_NAMESPACE
from local_cloud.settings import Settings, ToolchainManifest
from local_cloud.state_directory import TAILSCALE_KEY
from local_cloud.tailscale import create_app as create_tailscale

PRIVATE_DIRECTORIES = (Path("/run/netns"), Path("/run/systemd/nspawn"))
"""Here `ip` and systemd-nspawn keep what would be seen, or collide, outside."""
SHUTDOWN_SECONDS = 5
"""What calls that are being answered get to end when the cloud is taken down."""
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep an idle connection (httpx: 5 s): else one is used at the moment it is closed."""

_log = logging.getLogger("local_cloud")


def main() -> None:
    """Run until SIGTERM, then take everything down in order."""
    parser = argparse.ArgumentParser(prog="local_cloud.supervisor")
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the API's bound socket")
    parser.add_argument("--registered", type=int, required=True, help="pipe that says we can be found")
    arguments = parser.parse_args()
    if not os.read(arguments.registered, 1):
        return  # `up` was killed before it could write down who we are: nobody could ever stop us
    os.close(arguments.registered)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = Settings.load()
    _make_private()
    _run(settings, socket.socket(fileno=arguments.socket))


def _make_private() -> None:
    for directory in PRIVATE_DIRECTORIES:
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)


def _run(settings: Settings, root_socket: socket.socket) -> None:
    manifest = ToolchainManifest.read(settings.toolchain_manifest)
    # uvicorn shuts down on SIGTERM and then raises it anew, for whoever handled it before: not to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    (settings.state_dir / "resolv.conf").write_text(f"nameserver {OPERATOR_RESOLVERS[0]}\n")
    try:
        hypervisor = Hypervisor(settings, manifest)
    except HypervisorError as error:
        sys.exit(str(error))  # `up` shows it
    try:
        with entered(OPERATOR_NAMESPACE):
            operator_socket = socket.create_server(("127.0.0.1", settings.port))
        config = uvicorn.Config(
            _apis(settings, hypervisor),
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            lifespan="on",
        )
        _log.info("the API is at %s", settings.url)
        uvicorn.Server(config).run(sockets=[root_socket, operator_socket])
    finally:
        _log.info("taking everything down")
        hypervisor.close()
        _log.info("all is down")


def _apis(settings: Settings, hypervisor: Hypervisor) -> Dispatcher:
    digitalocean = create_digitalocean(
        settings.state_dir / "cloud.db",
        hypervisor,
        seed=settings.seed,
        default_token=_token(settings.state_dir / "token"),
    )
    tailscale = create_tailscale(
        settings.state_dir / "tailnet.db",
        hypervisor.mesh.coordination,
        api_key=_tailscale_key(settings.state_dir / TAILSCALE_KEY),
        faults=digitalocean.state.cloud.faults,
    )
    return Dispatcher(digitalocean, tailscale)


def _token(path: Path) -> str:
    """The default account's, in DigitalOcean's form."""
    return _kept(path, f"dop_v1_{secrets.token_hex(32)}")


def _tailscale_key(path: Path) -> str:
    """The tailnet's first API key, in Tailscale's form."""
    return _kept(path, f"tskey-api-k{secrets.token_hex(8)}CNTRL-{secrets.token_hex(16)}")


def _kept(path: Path, new: str) -> str:
    """The secret in a file that root alone can read: made once."""
    if not path.exists():
        write_private(path, new.encode())
    return path.read_text().strip()


if __name__ == "__main__":
    main()
