"""One call of the API: whose it is, its transaction, and what follows once that is kept."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from starlette.requests import Request

from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.errors import NotFoundError, ServerError
from local_cloud.digitalocean.pagination import paginate
from local_cloud.digitalocean.tables import Account, Action, Owned
from local_cloud.digitalocean.tokens import Holder
from local_cloud.hypervisor.model import HypervisorError

log = logging.getLogger(__name__)

Row = TypeVar("Row")
OwnedRow = TypeVar("OwnedRow", bound=Owned)

OUTCOME_SECONDS = 30
"""How long a call whose answer tells no action waits for the real thing; that goes on in the background."""


class Call:
    """What a handler works with. Its session commits when the handler returns, and not when it raises."""

    def __init__(self, cloud: Cloud, request: Request, session: Session) -> None:
        holder: Holder = request.state.holder
        account = session.get(Account, holder.account_id)
        if account is None:
            raise NotFoundError
        self.cloud = cloud
        self.request = request
        self.session = session
        self.account = account
        self.admin = holder.admin
        self._afterwards: list[Callable[[], None]] = []
        self._undoing: list[Callable[[], None]] = []
        self._revision = cloud.revision
        self._account_id = account.id

    def own(self, table: type[OwnedRow], key: Any, message: str | None = None) -> OwnedRow:
        """The account's row. Raises NotFoundError, for another account's row as well."""
        row = self.session.get(table, key)
        if row is None or row.account_id != self.account.id:
            raise NotFoundError(message) if message else NotFoundError
        return row

    def page(self, name: str, rows: Sequence[Row], view: Callable[[Row], Any]) -> dict[str, Any]:
        return paginate(self.request.url, name, rows, view)

    def afterwards(self, step: Callable[[], None]) -> None:
        """Runs once the transaction is kept, before the answer; what it raises is the answer."""
        self._afterwards.append(step)

    def start(
        self, kind: str, resource: tuple[str, str], region: str, *, public: bool = True, **params: Any
    ) -> Action:
        """An action in progress, whose work begins once the transaction is kept."""
        action = Action(
            id=self.cloud.ids.number(self.session, "action"),
            account_id=self.account.id,
            kind=kind,
            public=public,
            resource_type=resource[0],
            resource_id=resource[1],
            region=region,
            status="in-progress",
            params=params,
            started_at=now(),
        )
        self.session.add(action)
        self.session.flush()
        self.afterwards(lambda: self.cloud.jobs.submit(action))
        return action

    def await_outcome(self, action: Action) -> None:
        """Answers only when the real thing is done, unless a transition was set. A failure is the answer."""
        if action.kind not in self.cloud.transitions.settings:
            self.afterwards(lambda: self._await(action.id))

    def if_undone(self, step: Callable[[], None]) -> None:
        """Runs when the transaction is not kept: takes back a real thing that was made in it."""
        self._undoing.append(step)

    def take_back(self) -> None:
        """Makes the real things again what the state says, after a transaction that was not kept."""
        try:
            for step in reversed(self._undoing):
                step()
            if self.cloud.revision != self._revision:
                with self.cloud.store.writing() as session:
                    self.cloud.sync_policies(session, self._account_id)
                    self.cloud.sync_names(session)
        except HypervisorError:
            log.exception("could not take back what a failed call had made")

    def conclude(self) -> None:
        for step in self._afterwards:
            step()

    def _await(self, action_id: int) -> None:
        if error := self.cloud.jobs.wait(action_id, OUTCOME_SECONDS):
            raise ServerError(error)
