"""How a service declares what it answers: a handler gets its Call, and returns a body, a Response or None."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from local_cloud.tailscale.calls import Call

Backing = Literal["real", "API only"]
Handler = TypeVar("Handler", bound=Callable[..., Any])

PREFIX = "/api/v2"


class Service:
    """The routes of one of Tailscale's resources, whose paths are after /api/v2.

    `scope` is what the caller's token has to have, with `:read` where nothing is changed; None where that
    depends on the call, and the handler asks for it. `backing` says whether anything real is behind them.
    """

    def __init__(self, backing: Backing, scope: str | None) -> None:
        self.backing: Backing = backing
        self.router = APIRouter(prefix=PREFIX)
        self.operations: list[tuple[str, str]] = []
        self._scope = scope

    def get(self, path: str) -> Callable[[Handler], Handler]:
        return self._operation("GET", path)

    def post(self, path: str, *, reads: bool = False) -> Callable[[Handler], Handler]:
        return self._operation("POST", path, reads=reads)

    def put(self, path: str) -> Callable[[Handler], Handler]:
        return self._operation("PUT", path)

    def patch(self, path: str) -> Callable[[Handler], Handler]:
        return self._operation("PATCH", path)

    def delete(self, path: str) -> Callable[[Handler], Handler]:
        return self._operation("DELETE", path)

    def _operation(self, method: str, path: str, *, reads: bool = False) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.operations.append((method, path))
            self.router.add_api_route(
                path,
                _endpoint(handler, self._scope, reads=reads or method == "GET"),
                methods=[method],
                name=f"{handler.__module__}.{handler.__name__}",
                response_model=None,
            )
            return handler

        return declare


def _endpoint(handler: Callable[..., Any], scope: str | None, *, reads: bool) -> Callable[..., Response]:
    """The handler as FastAPI wants it.

    All of a call runs in one thread, so that the one writer's lock, which a call holds, never waits for one.
    """

    def endpoint(request: Request, **arguments: Any) -> Response:
        tailnet = request.app.state.tailnet
        call: Call | None = None
        try:
            with tailnet.store.reading() if reads else tailnet.store.writing() as session:
                call = Call(tailnet, request, session)
                if scope:
                    call.holder.require(f"{scope}:read" if reads else scope)
                body = handler(call, **arguments)
        except Exception:
            if call is not None:
                call.take_back()
            raise
        if isinstance(body, Response):
            return body
        return Response() if body is None else JSONResponse(body)

    own = inspect.signature(handler).parameters.values()
    request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(own)[1:]]
    endpoint.__signature__ = inspect.Signature([request, *keywords])  # type: ignore[attr-defined]
    return endpoint


async def _raw(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw)]
"""The type of a handler's argument that gets the body as it was sent."""
