"""What happens to every call before a route sees it: its id, who calls, quota, faults, access log."""

import logging
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud.digitalocean.answer import Answer
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.errors import ApiError, ServerError, TooManyRequestsError, UnauthorizedError
from local_cloud.digitalocean.faults import Fault
from local_cloud.digitalocean.suffering import INJECTED, suffer
from local_cloud.digitalocean.tokens import Quota

log = logging.getLogger(__name__)


def error_body(error: str, message: str, request_id: str) -> dict[str, str]:
    return {"id": error, "message": message, "request_id": request_id}


class Gate:
    """The outermost layer. Control routes (/_local/) have no quota and suffer no faults."""

    def __init__(self, app: ASGIApp, cloud: Cloud) -> None:
        self._app = app
        self._cloud = cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            await self._admit(scope, receive, answer)
        except ApiError as error:
            await _answered(error, answer)(scope, receive, answer)
        except Exception:
            # The framework would raise it on, and the server end the connection that the answer goes by.
            log.exception("%s %s failed", scope["method"], scope["path"])
            if answer.has_started:
                raise
            unable = ServerError("Server was unable to give you a response.")
            await _answered(unable, answer)(scope, receive, answer)
        finally:
            log.info("%s %s", answer.summary, answer.request_id)

    async def _admit(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        holder = self._cloud.tokens.holder(Headers(scope=scope).get("authorization", ""))
        if holder is None:
            raise UnauthorizedError
        scope.setdefault("state", {}).update(holder=holder, request_id=answer.request_id)
        if scope["path"].startswith("/_local/"):
            await self._app(scope, receive, answer)
            return
        answer.quota = self._cloud.tokens.count(holder)
        if answer.quota.exceeded:
            raise TooManyRequestsError
        fault = self._cloud.faults.strike(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, answer)
        else:
            await suffer(fault, self._app, _injected(fault, answer.request_id), scope, receive, answer)


def _answered(error: ApiError, answer: "_Answer") -> Response:
    return JSONResponse(error_body(error.id, error.message, answer.request_id), error.status)


def _injected(fault: Fault, request_id: str) -> Response | None:
    if fault.status is None:
        return None
    body = error_body(_error_id(fault.status), INJECTED, request_id)
    return JSONResponse(body, fault.status)


def _error_id(status: int) -> str:
    known = {error.status: error.id for error in ApiError.__subclasses__()}
    return known.get(status, "server_error" if status >= 500 else "bad_request")


class _Answer(Answer):
    """Adds the headers."""

    def __init__(self, scope: Scope, send: Send) -> None:
        super().__init__(scope, send)
        self.request_id = str(uuid4())
        self.quota: Quota | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.request_id
            if self.quota:
                headers["ratelimit-limit"] = str(self.quota.limit)
                headers["ratelimit-remaining"] = str(self.quota.remaining)
                headers["ratelimit-reset"] = str(self.quota.reset)
        await super().__call__(message)
