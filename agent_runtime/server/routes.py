"""Routes: who may call what, with which fields. A route's function sees only what passed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_runtime.certificates import Certificate
from agent_runtime.errors import (
    HostError,
    MalformedRequestError,
    RefusedError,
    RequestRefusedError,
    UnavailableError,
    WrappingError,
)

MAX_FIELD = 8192
Peer = Certificate | None
"""A client's certificate, which TLS has verified; None for a client that showed none."""


class HttpError(Exception):
    """An answer other than 200, with its one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a route's function is given. `body` has exactly the fields that the route declares."""

    peer: Peer
    address: str
    body: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path; `may` says whether a peer may call it."""

    method: str
    path: str
    may: Callable[[Peer], bool]
    handle: Callable[[Request], Mapping[str, Any]]
    fields: frozenset[str] = frozenset()


class Routes:
    """The routes of one server."""

    def __init__(self, *routes: Route) -> None:
        self._routes = {(route.path, route.method): route for route in routes}

    def find(self, method: str, path: str, peer: Peer) -> Route:
        """The route, when this peer may call it. Raises HttpError."""
        route = self._routes.get((path, method))
        if route is None:
            known = any(path == other for other, _ in self._routes)
            raise HttpError(405 if known else 404, f"{method} {path[:100]!r} is not served here")
        if not route.may(peer):
            if peer is None:
                raise HttpError(401, f"{path} needs a client certificate of this tenant's CA")
            raise HttpError(403, f"{path} is not for {peer.name}")
        return route


def answer(route: Route, request: Request) -> Mapping[str, Any]:
    """What the route's function answers. Raises HttpError."""
    if set(request.body) != route.fields:
        wanted = ", ".join(sorted(route.fields)) or "none"
        raise HttpError(422, f"{route.path} takes the fields: {wanted}")
    for name, value in request.body.items():
        if not isinstance(value, str) or not 0 < len(value) <= MAX_FIELD:
            raise HttpError(422, f"field {name} must be a text of 1 to {MAX_FIELD} characters")
    try:
        return route.handle(request)
    except HostError as error:
        raise HttpError(_status(error), str(error)) from error


def _status(error: HostError) -> int:
    if isinstance(error, UnavailableError):
        return 503
    if isinstance(error, MalformedRequestError):
        return 400
    if isinstance(error, WrappingError | RefusedError | RequestRefusedError):
        return 403
    return 500
