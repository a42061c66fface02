"""What PostgreSQL and Valkey have in common: a cluster, and the processes that serve it."""

import os
import select
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.databases.sandbox import Programs, Sandbox, System
from local_cloud.hypervisor.model import DatabaseCluster


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server runs: its directory, its network namespace, its authority and what all servers share."""

    directory: Path
    network: Path
    authority: Authority
    programs: Programs
    system: System
    cgroups: Cgroups


class Server(ABC):
    """One cluster's server. Not safe for threads: `Databases` holds a lock for each cluster.

    `cluster` is what it runs as, with the administrator's latest password.
    """

    def __init__(self, cluster: DatabaseCluster, place: Place) -> None:
        self.cluster = cluster
        self.place = place

    @property
    def is_running(self) -> bool:
        return all(process is not None and process.is_running for process in self.processes)

    @property
    @abstractmethod
    def processes(self) -> Sequence[Sandbox | None]:
        """Those that must all run; None is one that was not started."""

    @abstractmethod
    def start(self) -> None:
        """Start, initialised when new, and return when a client's TLS connection gets its answer."""

    @abstractmethod
    def stop(self) -> None:
        """Stop in good order; what it was told is kept."""

    @abstractmethod
    def change(self, cluster: DatabaseCluster) -> None:
        """Run as `cluster` says from now on; restarts only where the engine can't do it running."""

    @abstractmethod
    def set_user(self, name: str, password: str) -> None: ...

    @abstractmethod
    def delete_user(self, name: str) -> None: ...

    @abstractmethod
    def create_database(self, name: str) -> None: ...

    @abstractmethod
    def delete_database(self, name: str) -> None: ...

    def restart(self) -> None:
        self.stop()
        self.start()

    def wait(self) -> None:
        """Return when one of its processes has ended."""
        poll, descriptors = select.poll(), []
        try:
            for process in self.processes:
                if process is None or not process.is_running:
                    return
                with suppress(ProcessLookupError):
                    descriptors.append(os.pidfd_open(process.container.pid))
            for descriptor in descriptors:
                poll.register(descriptor, select.POLLIN)
            if self.is_running:
                poll.poll()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
