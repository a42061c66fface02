"""The local cloud as the services see it: state, real things, ids, workers, in one place."""

from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean import tables
from local_cloud.digitalocean.faults import Faults
from local_cloud.digitalocean.ids import Ids
from local_cloud.digitalocean.jobs import Jobs, Work
from local_cloud.digitalocean.policies import compile_policies
from local_cloud.digitalocean.protocol import Hypervisor
from local_cloud.digitalocean.store import Store
from local_cloud.digitalocean.tokens import Tokens
from local_cloud.digitalocean.transitions import Transitions
from local_cloud.hypervisor.model import Policy


class Cloud:
    """Everything that outlives a call."""

    def __init__(
        self,
        store_path: Path,
        hypervisor: Hypervisor,
        work: Mapping[str, "Work[Cloud]"],
        *,
        seed: int | None,
        workers: int,
    ) -> None:
        self.store = Store(store_path)
        self.hypervisor = hypervisor
        self.ids = Ids(seed)
        self.tokens = Tokens()
        self.faults = Faults()
        self.transitions = Transitions()
        self.jobs = Jobs(self, work, workers)
        self.restoring: set[str] = set()
        self.revision = 0
        """Counts what was told to the hypervisor inside transactions."""
        self._applied: dict[str, Policy | None] = {}
        self._published: dict[str, IPv4Address] = {}

    def sync_policies(self, session: Session, account_id: int) -> None:
        """Makes real what the account's firewalls say now.

        Call it inside the transaction that changes them: it is the one writer, so policies arrive in the
        order of the changes.
        """
        session.flush()
        wanted = compile_policies(session, account_id)
        changed = {
            endpoint: policy
            for endpoint, policy in wanted.items()
            if endpoint not in self._applied or self._applied[endpoint] != policy
        }
        if changed:
            self.revision += 1
            for endpoint in changed:
                self.forget_endpoint(endpoint)
            self.hypervisor.apply_policies(changed)
            self._applied.update(changed)

    def apply_policy_of(self, account_id: int, endpoint: str) -> None:
        """Tells it even when nothing changed: an endpoint that was detached has lost its policy.

        As the one writer, so that no older policy overtakes a newer one.
        """
        with self.store.writing() as session:
            policies = compile_policies(session, account_id)
            if endpoint in policies:
                self.hypervisor.apply_policies({endpoint: policies[endpoint]})
                self._applied[endpoint] = policies[endpoint]

    def forget_endpoint(self, endpoint: str) -> None:
        self._applied.pop(endpoint, None)

    def forget_all_endpoints(self) -> None:
        self._applied.clear()

    def sync_names(self, session: Session) -> None:
        """Publishes every database's host names, of all accounts: each name carries its account's number."""
        session.flush()
        clusters = session.scalars(
            select(tables.DatabaseCluster).where(tables.DatabaseCluster.deleting.is_(False))
        )
        names: dict[str, IPv4Address] = {}
        for cluster in clusters:
            names[cluster.hostname] = IPv4Address(cluster.public_address)
            names[f"private-{cluster.hostname}"] = IPv4Address(cluster.private_address)
        if names != self._published:
            self.revision += 1
            self.hypervisor.publish_names(names)
            self._published = names

    def close(self) -> None:
        self.transitions.close()
        self.jobs.close()
        self.store.close()
