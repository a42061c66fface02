"""How a service declares what it answers: a handler gets its Call, and returns a body or None."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from local_cloud.digitalocean.calls import Call

Backing = Literal["real", "API only"]
Handler = TypeVar("Handler", bound=Callable[..., Any])


class Service:
    """The routes of one of DigitalOcean's resources. `backing` says whether anything real is behind them."""

    def __init__(self, backing: Backing) -> None:
        self.backing: Backing = backing
        self.router = APIRouter()
        self.operations: list[tuple[str, str]] = []

    def get(self, path: str) -> Callable[[Handler], Handler]:
        return self._operation("GET", path, 200)

    def post(self, path: str, status: int = 201) -> Callable[[Handler], Handler]:
        return self._operation("POST", path, status)

    def put(self, path: str, status: int = 200) -> Callable[[Handler], Handler]:
        return self._operation("PUT", path, status)

    def patch(self, path: str, status: int = 200) -> Callable[[Handler], Handler]:
        return self._operation("PATCH", path, status)

    def delete(self, path: str, status: int = 204) -> Callable[[Handler], Handler]:
        return self._operation("DELETE", path, status)

    def answers(self, scope: Scope) -> bool:
        """Whether one of the routes is for the scope's method and path, as the router finds out."""
        return any(route.matches(scope)[0] is Match.FULL for route in self.router.routes)

    def _operation(self, method: str, path: str, status: int) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.operations.append((method, path))
            self.router.add_api_route(
                path,
                _endpoint(handler, status, writes=method != "GET"),
                methods=[method],
                name=f"{handler.__module__}.{handler.__name__}",
                response_model=None,
            )
            return handler

        return declare


def _endpoint(handler: Callable[..., Any], status: int, *, writes: bool) -> Callable[..., Response]:
    """The handler as FastAPI wants it.

    All of a call runs in one thread, so that the one writer's lock, which a call holds, never waits for one.
    """

    def endpoint(request: Request, **arguments: Any) -> Response:
        cloud = request.app.state.cloud
        if not writes:
            cloud.transitions.poll(request.url.path)
        call: Call | None = None
        try:
            with cloud.store.writing() if writes else cloud.store.reading() as session:
                call = Call(cloud, request, session)
                body = handler(call, **arguments)
        except Exception:
            if call is not None:
                call.take_back()
            raise
        call.conclude()
        return Response(status_code=status) if body is None else JSONResponse(body, status)

    own = inspect.signature(handler).parameters.values()
    request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(own)[1:]]
    endpoint.__signature__ = inspect.Signature([request, *keywords])  # type: ignore[attr-defined]
    return endpoint
