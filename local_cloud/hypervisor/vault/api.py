"""The vault's own API, called from inside its namespace, where alone it is reachable for the supervisor."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hvac
import requests
from hvac.exceptions import VaultError

from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.namespaces import entered

SECONDS = (1, 10)
"""To connect, which is anew at each try, and to answer."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where it is, and the certificate of the CA to trust."""

    namespace: str
    url: str
    ca_file: Path

    @contextmanager
    def client(self, token: str = "") -> Iterator[hvac.Client]:
        """For use by this thread, in the block. What goes wrong with the vault there is a HypervisorError."""
        with entered(self.namespace), requests.Session() as session:
            session.trust_env = False  # no proxy is asked
            session.verify = str(self.ca_file)
            try:
                yield hvac.Client(url=self.url, token=token, timeout=SECONDS, session=session)
            except (VaultError, requests.RequestException) as error:
                raise HypervisorError(f"the vault at {self.url}: {error}") from error

    @property
    def is_listening(self) -> bool:
        return self._health() is not None

    @property
    def is_active(self) -> bool:
        """Initialised, unsealed, and past the moment in which it is its own standby."""
        return self._health() == requests.codes.ok

    def _health(self) -> int | None:
        try:
            with self.client() as client:
                status: int = client.sys.read_health_status().status_code
        except HypervisorError:
            return None
        return status
