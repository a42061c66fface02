"""GET /v2/account."""

from typing import Any

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.service import Service

service = Service("API only")

FLOATING_IP_LIMIT, VOLUME_LIMIT = 3, 100


@service.get("/v2/account")
def get_account(call: Call) -> dict[str, Any]:
    account = call.account
    return {
        "account": {
            "droplet_limit": account.droplet_limit,
            "floating_ip_limit": FLOATING_IP_LIMIT,
            "reserved_ip_limit": FLOATING_IP_LIMIT,
            "volume_limit": VOLUME_LIMIT,
            "email": f"{account.name}@local-cloud.invalid",
            "name": account.name,
            "uuid": account.uuid,
            "email_verified": True,
            "status": "active",
            "status_message": "",
            "team": {"uuid": account.uuid, "name": account.name},
        }
    }
