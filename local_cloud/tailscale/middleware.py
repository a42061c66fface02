"""What happens to every call before a route sees it: who calls, faults, access log."""

import asyncio
import logging

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from local_cloud.digitalocean.answer import Answer
from local_cloud.digitalocean.faults import Fault
from local_cloud.digitalocean.suffering import INJECTED, suffer
from local_cloud.tailscale.errors import ServerError, UnauthorizedError
from local_cloud.tailscale.service import PREFIX
from local_cloud.tailscale.tailnet import Tailnet

log = logging.getLogger(__name__)

TOKEN_PATH = f"{PREFIX}/oauth/token"
"""Here a client shows its own credentials, in a form that is its own."""


class Gate:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, tailnet: Tailnet) -> None:
        self._app = app
        self._tailnet = tailnet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(scope, send)
        try:
            await self._admit(scope, receive, answer)
        except Exception:
            # The framework would raise it on, and the server end the connection that the answer goes by.
            log.exception("%s %s failed", scope["method"], scope["path"])
            if answer.has_started:
                raise
            error = ServerError("internal server error")
            await JSONResponse(error.body, error.status)(scope, receive, answer)
        finally:
            log.info("%s", answer.summary)

    async def _admit(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        if scope["path"] != TOKEN_PATH:
            authorization = Headers(scope=scope).get("authorization", "")
            holder = await asyncio.to_thread(self._tailnet.holder, authorization)
            if holder is None:
                error = UnauthorizedError()
                await JSONResponse(error.body, error.status)(scope, receive, answer)
                return
            scope.setdefault("state", {}).update(holder=holder)
        fault = self._tailnet.faults.strike(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, answer)
        else:
            await suffer(fault, self._app, _injected(fault), scope, receive, answer)


def _injected(fault: Fault) -> ASGIApp | None:
    return None if fault.status is None else JSONResponse({"message": INJECTED}, fault.status)
