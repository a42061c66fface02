"""The process: `bao server` as a user of its own, without capabilities, on a read-only system."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.containers.container import children
from local_cloud.hypervisor.databases.sandbox import Process, Sandbox, System, prepare
from local_cloud.hypervisor.namespaces import path_of
from local_cloud.hypervisor.vault.api import Api
from local_cloud.hypervisor.vault.configuration import Configuration

USER = "openbao"
USER_ID = 8200
"""Free in Debian, whose own system users are below 1000 and whose people are from there up."""
HOSTNAME = "vault"
PROGRAM = "/run/bao"
CONF = Path("/run/conf")
DATA = Path("/run/data")
AUDIT = Path("/run/audit")
MEMORY_MIB = 512
START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the server runs: its files, its namespace, and the system that it sees, with `image` below."""

    directory: Path
    namespace: str
    program: Path
    image: Path
    cgroups: Cgroups

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def audit_file(self) -> Path:
        return self.directory / "audit" / "audit.log"


class Server:
    """At one address, started and stopped as often as need be."""

    def __init__(self, place: Place, address: IPv4Address, authority: Authority) -> None:
        self._place = place
        self._authority = authority
        self._configuration = configuration(address)
        layer = place.directory / ".layer"
        _write_user(layer)
        self._system = System(place.directory / ".system", [layer, place.image])
        self._sandbox: Sandbox | None = None
        self.api = Api(
            namespace=place.namespace, url=self._configuration.url, ca_file=authority.certificate_file
        )

    @property
    def url(self) -> str:
        return self._configuration.url

    def start(self) -> None:
        """Returns when it listens, sealed. Raises HypervisorError with its last words when it doesn't."""
        self._system.mount()
        self._prepare()
        self._sandbox = Sandbox(self._process(), self._system, self._place.cgroups)
        self._sandbox.container.wait_until(lambda _: self.api.is_listening, START_SECONDS, "the vault")

    def wait_until_active(self) -> None:
        """After it was unsealed."""
        if self._sandbox is not None:
            what = "the vault, which was unsealed,"
            self._sandbox.container.wait_until(lambda _: self.api.is_active, START_SECONDS, what)

    def _prepare(self) -> None:
        directory = self._place.directory
        for part in ("data", "audit", "conf"):
            prepare(directory / part, USER_ID)
        names, addresses = [HOSTNAME], [self._configuration.address]
        self._authority.issue(directory / "conf", names, addresses, USER_ID)
        (directory / "conf/bao.json").write_text(self._configuration.text())

    def _process(self) -> Process:
        directory = self._place.directory
        return Process(
            name="vault",
            user=USER,
            # Without NOTIFY_SOCKET: systemd-nspawn offers one that only root may use.
            command=("/usr/bin/env", "--ignore-environment", PROGRAM, "server", f"-config={CONF}/bao.json"),
            network=path_of(self._place.namespace),
            memory_mib=MEMORY_MIB,
            log=directory / "server.log",
            read_only={PROGRAM: self._place.program, str(CONF): directory / "conf"},
            writable={str(DATA): self._place.data, str(AUDIT): directory / "audit"},
        )

    def reopen_logs(self) -> None:
        """Let it open its audit file anew."""
        leader = self._sandbox.container.leader if self._sandbox is not None else None
        for process in children(leader) if leader is not None else ():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGHUP)

    def has_ended_within(self, seconds: float) -> bool:
        """Waits for the process to end, so long at most."""
        if self._sandbox is None or not self._sandbox.is_running:
            return True
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self._sandbox.container.pid)
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                return bool(poll.poll(seconds * 1000))
            finally:
                os.close(descriptor)
        return True

    def stop(self) -> None:
        if self._sandbox is not None:
            self._sandbox.stop(signal.SIGTERM)
            self._sandbox = None

    def close(self) -> None:
        self.stop()
        self._system.unmount()


def configuration(address: IPv4Address) -> Configuration:
    """Of the server in its sandbox."""
    return Configuration(
        address=address,
        data=DATA,
        certificate=CONF / "server.crt",
        key=CONF / "server.key",
        audit_file=AUDIT / "audit.log",
    )


def _write_user(layer: Path) -> None:
    """A tree whose /etc has the server's user, to lie over the image's."""
    etc = layer / "etc"
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "passwd").write_text(
        f"root:x:0:0:root:/root:/usr/sbin/nologin\n{USER}:x:{USER_ID}:{USER_ID}::/:/usr/sbin/nologin\n"
    )
    (etc / "group").write_text(f"root:x:0:\n{USER}:x:{USER_ID}:\n")
    for path in (layer, etc):
        path.chmod(0o755)
    for file in etc.iterdir():
        file.chmod(0o644)
