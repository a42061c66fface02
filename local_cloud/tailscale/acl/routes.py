"""/tailnet/{tailnet}/acl, /acl/validate and /acl/preview."""

import base64
from typing import Annotated, Any

from fastapi import Header, Query
from fastapi.responses import JSONResponse
from starlette.responses import Response

from local_cloud.tailscale.acl import models
from local_cloud.tailscale.acl.preview import preview
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError
from local_cloud.tailscale.policy.errors import PolicyError
from local_cloud.tailscale.policy.hujson import parse
from local_cloud.tailscale.service import RawBody, Service
from local_cloud.tailscale.tailnet import policy_file

service = Service("real", "policy_file")

Accept = Annotated[str, Header()]


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError("the policy file is no UTF-8 text") from error


def _answered(text: str, accept: str) -> Response:
    headers = {"ETag": models.etag(text)}
    if "application/json" in accept:
        return JSONResponse(parse(text), headers=headers)
    return Response(text, media_type="application/hujson", headers=headers)


@service.get("/tailnet/{tailnet}/acl")
def get(call: Call, accept: Accept = "", details: str = "") -> Response:
    text = policy_file(call.session).text
    if details in {"true", "1"}:
        encoded = base64.b64encode(text.encode()).decode()
        body = {"acl": encoded, "warnings": None, "errors": None}
        return JSONResponse(body, headers={"ETag": models.etag(text)})
    return _answered(text, accept)


@service.post("/tailnet/{tailnet}/acl")
def replace(
    call: Call, body: RawBody, accept: Accept = "", if_match: Annotated[str, Header()] = ""
) -> Response:
    return _answered(models.replace(call, _text(body), if_match), accept)


@service.post("/tailnet/{tailnet}/acl/validate", reads=True)
def validate(call: Call, body: RawBody) -> dict[str, Any]:
    """Of tests, which are run on the policy that holds, or of a whole file with its own."""
    text = _text(body)
    try:
        value = parse(text)
    except PolicyError as error:
        raise BadRequestError(str(error)) from error
    if isinstance(value, list):
        failed = models.failing_now(call, value)
    else:
        failed = models.failing(call, models.checked(text))
    return {"message": models.TESTS_FAILED, "data": failed} if failed else {}


@service.post("/tailnet/{tailnet}/acl/preview", reads=True)
def preview_matches(
    call: Call,
    body: RawBody,
    kind: Annotated[str, Query(alias="type")],
    wanted: Annotated[str, Query(alias="previewFor")],
) -> dict[str, Any]:
    text = _text(body)
    return preview(text, models.checked(text), models.devices(call), kind, wanted)
