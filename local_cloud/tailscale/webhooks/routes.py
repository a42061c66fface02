"""/tailnet/{tailnet}/webhooks and /webhooks: kept and shown; no event is ever sent."""

import secrets
from typing import Any, Literal

from pydantic import BaseModel, Field, HttpUrl
from sqlalchemy import select

from local_cloud.digitalocean.clock import now, written
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import NotFoundError
from local_cloud.tailscale.ids import new_id
from local_cloud.tailscale.policy.model import OWNER
from local_cloud.tailscale.service import Service
from local_cloud.tailscale.tables import Webhook

service = Service("API only", "webhooks")

Subscription = Literal[
    "exitNodeIPForwardingNotEnabled",
    "nodeApproved",
    "nodeCreated",
    "nodeDeleted",
    "nodeKeyExpired",
    "nodeKeyExpiringInOneDay",
    "nodeNeedsApproval",
    "nodeNeedsSignature",
    "nodeSigned",
    "policyUpdate",
    "subnetIPForwardingNotEnabled",
    "userApproved",
    "userCreated",
    "userDeleted",
    "userNeedsApproval",
    "userRestored",
    "userRoleUpdated",
    "userSuspended",
]


class WebhookCreate(BaseModel):
    endpoint_url: HttpUrl = Field(alias="endpointUrl")
    provider_type: Literal["", "slack", "mattermost", "googlechat", "discord"] = Field(
        default="", alias="providerType"
    )
    subscriptions: list[Subscription]


class WebhookUpdate(BaseModel):
    subscriptions: list[Subscription]


def view(webhook: Webhook, secret: str | None = None) -> dict[str, Any]:
    shown = {
        "endpointId": webhook.id,
        "endpointUrl": webhook.endpoint_url,
        "providerType": webhook.provider_type,
        "creatorLoginName": webhook.creator,
        "created": written(webhook.created),
        "lastModified": written(webhook.last_modified),
        "subscriptions": webhook.subscriptions,
    }
    return shown if secret is None else {**shown, "secret": secret}


def _find(call: Call, webhook_id: str) -> Webhook:
    webhook = call.session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFoundError("webhook not found")
    return webhook


def _new_secret() -> str:
    return f"tskey-webhook-{secrets.token_hex(16)}"


@service.get("/tailnet/{tailnet}/webhooks")
def index(call: Call) -> dict[str, Any]:
    found = call.session.scalars(select(Webhook).order_by(Webhook.created, Webhook.id))
    return {"webhooks": [view(webhook) for webhook in found]}


@service.post("/tailnet/{tailnet}/webhooks")
def create(call: Call, body: WebhookCreate) -> dict[str, Any]:
    webhook = Webhook(
        id=new_id("w"),
        endpoint_url=str(body.endpoint_url),
        provider_type=body.provider_type,
        creator=OWNER if call.holder.user_id else "",
        created=now(),
        last_modified=now(),
        subscriptions=list(body.subscriptions),
    )
    call.session.add(webhook)
    return view(webhook, _new_secret())


@service.get("/webhooks/{endpoint_id}")
def get(call: Call, endpoint_id: str) -> dict[str, Any]:
    return view(_find(call, endpoint_id))


@service.patch("/webhooks/{endpoint_id}")
def update(call: Call, endpoint_id: str, body: WebhookUpdate) -> dict[str, Any]:
    webhook = _find(call, endpoint_id)
    webhook.subscriptions, webhook.last_modified = list(body.subscriptions), now()
    return view(webhook)


@service.delete("/webhooks/{endpoint_id}")
def delete(call: Call, endpoint_id: str) -> None:
    call.session.delete(_find(call, endpoint_id))


@service.post("/webhooks/{endpoint_id}/rotate")
def rotate(call: Call, endpoint_id: str) -> dict[str, Any]:
    webhook = _find(call, endpoint_id)
    webhook.last_modified = now()
    return view(webhook, _new_secret())
