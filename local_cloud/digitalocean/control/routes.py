"""/_local/… for the operator, with the default account's token."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from local_cloud.digitalocean import tables
from local_cloud.digitalocean.account.models import admit, open_account
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.control import models
from local_cloud.digitalocean.coverage import table
from local_cloud.digitalocean.errors import ConflictError, ForbiddenError
from local_cloud.digitalocean.faults import Fault
from local_cloud.digitalocean.ids import new_token
from local_cloud.digitalocean.tokens import Holder
from local_cloud.digitalocean.transitions import Transition

NEW_ACCOUNT_DROPLET_LIMIT = 10
"""What DigitalOcean gives a new account."""


def _admin_only(request: Request) -> None:
    holder: Holder = request.state.holder
    if not holder.admin:
        raise ForbiddenError("the control routes are for the default account's token")


router = APIRouter(prefix="/_local", dependencies=[Depends(_admin_only)])


class AccountCreate(BaseModel):
    name: str = Field(min_length=1)
    droplet_limit: int = Field(default=NEW_ACCOUNT_DROPLET_LIMIT, ge=0)
    rate_limit: int | None = Field(default=None, ge=1)


def _cloud(request: Request) -> Cloud:
    cloud: Cloud = request.app.state.cloud
    return cloud


@router.get("/status")
def status(request: Request) -> dict[str, Any]:
    cloud = _cloud(request)
    with cloud.store.reading() as session:
        return models.status(cloud, session)


@router.post("/accounts", status_code=201)
def create_account(request: Request, body: AccountCreate) -> dict[str, Any]:
    cloud, token = _cloud(request), new_token()
    with cloud.store.writing() as session:
        if session.scalar(select(tables.Account).where(tables.Account.name == body.name)):
            raise ConflictError(f"an account named {body.name!r} exists: choose another name")
        account = open_account(
            cloud, session, body.name, token, droplet_limit=body.droplet_limit, rate_limit=body.rate_limit
        )
    admit(cloud, account)
    return {"name": account.name, "uuid": account.uuid, "token": token}


@router.put("/transitions")
def put_transitions(request: Request, body: dict[str, Transition]) -> dict[str, Any]:
    _cloud(request).transitions.configure(body)
    return {kind: transition.model_dump(exclude_none=True) for kind, transition in body.items()}


@router.post("/faults", status_code=201)
def create_fault(request: Request, body: Fault) -> dict[str, Any]:
    _cloud(request).faults.arm(body)
    return body.model_dump()


@router.delete("/faults", status_code=204)
def clear_faults(request: Request) -> Response:
    _cloud(request).faults.clear()
    return Response(status_code=204)


@router.post("/vault/seal", status_code=204)
def seal_vault(request: Request) -> Response:
    _cloud(request).hypervisor.seal_vault()
    return Response(status_code=204)


@router.post("/vault/unseal", status_code=204)
def unseal_vault(request: Request) -> Response:
    _cloud(request).hypervisor.unseal_vault()
    return Response(status_code=204)


@router.post("/reset", status_code=204)
def reset(request: Request) -> Response:
    models.reset(_cloud(request))
    return Response(status_code=204)


@router.get("/coverage")
def coverage() -> dict[str, Any]:
    return {"resources": [row.as_json() for row in table()]}
