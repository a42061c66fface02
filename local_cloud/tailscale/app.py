"""Tailscale's API v2, over a coordination server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local_cloud.digitalocean.faults import Faults
from local_cloud.digitalocean.suffering import Api
from local_cloud.hypervisor.mesh.model import Coordination, MeshRefusedError, MeshUnknownError
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.tailscale.coverage import operation_of, service_of
from local_cloud.tailscale.errors import (
    ApiError,
    BadRequestError,
    NotFoundError,
    NotImplementedHereError,
    ServerError,
)
from local_cloud.tailscale.middleware import Gate
from local_cloud.tailscale.services import SERVICES
from local_cloud.tailscale.tailnet import Tailnet

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(
    store_path: Path, coordination: Coordination, *, api_key: str, faults: Faults | None = None
) -> FastAPI:
    """The API of the one tailnet, over the state in `store_path`; `api_key` may do everything.

    When it starts it gives the coordination server the policy that the state has. `faults` are another API's,
    whose control route arms them.
    """
    tailnet = Tailnet(store_path, coordination, api_key=api_key, faults=faults or Faults())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(tailnet.restore)
        yield
        await asyncio.to_thread(tailnet.close)

    app = Api(title="Local tailnet", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.tailnet = tailnet
    for service in SERVICES:
        app.include_router(service.router)
    app.add_api_route("/{path:path}", _absent, methods=METHODS, response_model=None)
    app.add_middleware(Gate, tailnet=tailnet)
    _answer_errors(app)
    return app


def _absent(request: Request) -> Response:
    """For every path that no service has: a name for what Tailscale has, not found for what nobody has."""
    operation = operation_of(request.method, request.url.path)
    if operation is None or service_of(operation) is not None:
        raise NotFoundError
    raise NotImplementedHereError(f"{operation.name} ({operation.method} {operation.path})")


def _answer_errors(app: FastAPI) -> None:
    def answered(convert: Callable[[Any], ApiError]) -> Callable[[Request, Any], Response]:
        def handle(_request: Request, error: Any) -> Response:
            answer = convert(error)
            return JSONResponse(answer.body, answer.status)

        return handle

    app.add_exception_handler(ApiError, answered(lambda error: error))
    app.add_exception_handler(RequestValidationError, answered(_from_validation))
    app.add_exception_handler(MeshUnknownError, answered(lambda _: NotFoundError()))
    app.add_exception_handler(MeshRefusedError, answered(lambda error: BadRequestError(str(error))))
    app.add_exception_handler(HypervisorError, answered(lambda error: ServerError(str(error))))
    app.add_exception_handler(HTTPException, answered(lambda _: NotFoundError()))


def _from_validation(error: RequestValidationError) -> ApiError:
    """Where it is wrong and why; never the value, which may be a secret."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return BadRequestError("the request body is no valid JSON")
    places = [str(part) for part in first["loc"] if part not in {"body", "query", "header"}]
    field = ".".join(places) or "the request body"
    return BadRequestError(f"{field}: {first['msg'].removeprefix('Value error, ')}")
