"""DigitalOcean's API v2, over a hypervisor."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local_cloud.digitalocean.account.models import admit_all
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.control.routes import router as control
from local_cloud.digitalocean.coverage import service_of
from local_cloud.digitalocean.errors import (
    ApiError,
    BadRequestError,
    NotFoundError,
    NotImplementedHereError,
    ServerError,
    UnprocessableEntityError,
)
from local_cloud.digitalocean.middleware import Gate, error_body
from local_cloud.digitalocean.operations import operation_of
from local_cloud.digitalocean.protocol import Hypervisor
from local_cloud.digitalocean.restore import restore
from local_cloud.digitalocean.services import SERVICES, WORK
from local_cloud.digitalocean.suffering import Api
from local_cloud.hypervisor.model import HypervisorError

log = logging.getLogger(__name__)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(
    store_path: Path,
    hypervisor: Hypervisor,
    *,
    seed: int | None,
    default_token: str,
    workers: int = 16,
) -> FastAPI:
    """The API over the state in `store_path`.

    When it starts it brings back what the state says, and when it ends it leaves the real things alone: they
    are the caller's, as is the hypervisor.
    """
    cloud = Cloud(store_path, hypervisor, WORK, seed=seed, workers=workers)
    admit_all(cloud, default_token)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        restoring = await asyncio.to_thread(restore, cloud, workers)
        yield
        await asyncio.to_thread(restoring.join)
        await asyncio.to_thread(cloud.close)

    app = Api(title="Local cloud", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.cloud = cloud
    app.include_router(control)
    for service in SERVICES:
        app.include_router(service.router)
    app.add_api_route("/{path:path}", _absent, methods=METHODS, response_model=None)
    app.add_middleware(Gate, cloud=cloud)
    _answer_errors(app)
    return app


def _absent(request: Request) -> Response:
    """For every path that no service has: a name for what DigitalOcean has, not found for what nobody has."""
    operation = operation_of(request.method, request.url.path)
    if operation is None or service_of(operation) is not None:
        raise NotFoundError
    raise NotImplementedHereError(f"{operation.group}.{operation.name} ({operation.method} {operation.path})")


def _answer_errors(app: FastAPI) -> None:
    def answered(convert: Callable[[Any], ApiError]) -> Callable[[Request, Any], Response]:
        def handle(request: Request, error: Any) -> Response:
            answer = convert(error)
            body = error_body(answer.id, answer.message, request.state.request_id)
            return JSONResponse(body, answer.status)

        return handle

    app.add_exception_handler(ApiError, answered(lambda error: error))
    app.add_exception_handler(RequestValidationError, answered(_from_validation))
    app.add_exception_handler(HypervisorError, answered(lambda error: ServerError(str(error))))
    app.add_exception_handler(HTTPException, answered(lambda _: NotFoundError()))


def _from_validation(error: RequestValidationError) -> ApiError:
    """Where it is wrong and why; never the value, which may be a secret."""
    first = error.errors()[0]
    place, *names = first["loc"]
    if first["type"] == "json_invalid":
        return BadRequestError("The request body is no valid JSON.")
    if place == "path":
        return NotFoundError()
    field = ".".join(str(name) for name in names) or "the request body"
    return UnprocessableEntityError(f"{field}: {first['msg'].removeprefix('Value error, ')}")
