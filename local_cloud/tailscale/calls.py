"""One call of the API: who makes it, its transaction, and what is taken back when that isn't kept."""

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.requests import Request

from local_cloud.hypervisor.mesh.model import Coordination
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.tailscale.errors import NotFoundError
from local_cloud.tailscale.scopes import Holder
from local_cloud.tailscale.tailnet import NAME, Tailnet

log = logging.getLogger(__name__)


class Call:
    """What a handler works with. Its session commits when the handler returns, and not when it raises."""

    def __init__(self, tailnet: Tailnet, request: Request, session: Session) -> None:
        if request.path_params.get("tailnet", "-") not in {"-", NAME}:
            raise NotFoundError("tailnet not found")
        self.tailnet = tailnet
        self.request = request
        self.session = session
        self._undoing: list[Callable[[], None]] = []

    @property
    def holder(self) -> Holder:
        holder: Holder = self.request.state.holder
        return holder

    @property
    def coordination(self) -> Coordination:
        return self.tailnet.coordination

    def if_undone(self, step: Callable[[], None]) -> None:
        """Runs when the transaction is not kept: takes back a real thing that was made in it."""
        self._undoing.append(step)

    def take_back(self) -> None:
        try:
            for step in reversed(self._undoing):
                step()
        except HypervisorError:
            log.exception("could not take back what a failed call had made")
