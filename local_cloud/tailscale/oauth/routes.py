"""/oauth/token: the client credentials grant, with credentials in the header or in the form."""

from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Header

from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError
from local_cloud.tailscale.oauth import models
from local_cloud.tailscale.service import RawBody, Service
from local_cloud.tailscale.tailnet import basic_credentials

service = Service("real", None)


@service.post("/oauth/token")
def create(call: Call, body: RawBody, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    if form.get("grant_type", "client_credentials") != "client_credentials":
        raise BadRequestError("grant_type: only client_credentials is known here")
    shown = (form.get("client_id", ""), form.get("client_secret", ""))
    client_id, secret = basic_credentials(authorization) or shown
    client = models.client_of(call, client_id, secret)
    key, token = models.issue_token(call, client, form.get("scope", "").split(), form.get("tags", "").split())
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": models.TOKEN_SECONDS,
        "scope": " ".join(key.scopes),
    }
