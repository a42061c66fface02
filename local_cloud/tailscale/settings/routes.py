"""/tailnet/{tailnet}/settings: kept, and enforced by nothing here."""

from typing import Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local_cloud.tailscale import documents
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import NotImplementedHereError
from local_cloud.tailscale.service import Service

service = Service("API only", None)

DOCUMENT = "settings"
SCOPES = {
    "aclsExternallyManagedOn": "policy_file",
    "aclsExternalLink": "policy_file",
    "networkFlowLoggingOn": "logs:network",
    "httpsEnabled": "networking_settings",
}
"""Settings that another scope than `feature_settings` governs."""

UNENFORCED = {
    "devices_approval_on": "approval of devices: headscale lets in whoever has a key",
    "users_approval_on": "approval of users: the tailnet has one user",
    "network_flow_logging_on": "network flow logs",
}
"""What would be a false promise here."""


class Settings(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    acls_externally_managed_on: bool = Field(default=False, alias="aclsExternallyManagedOn")
    acls_external_link: str = ""
    devices_approval_on: bool = False
    devices_auto_updates_on: bool = False
    devices_key_duration_days: int = Field(default=180, ge=1, le=180)
    users_approval_on: bool = False
    users_role_allowed_to_join_external_tailnets: Literal["none", "admin", "member"] = "admin"
    network_flow_logging_on: bool = False
    regional_routing_on: bool = False
    posture_identity_collection_on: bool = False
    https_enabled: bool = False


@service.get("/tailnet/{tailnet}/settings")
def get(call: Call) -> dict[str, Any]:
    """Those that the caller's scopes cover."""
    known = documents.stored(call, DOCUMENT, Settings).model_dump(by_alias=True)
    visible = {name: value for name, value in known.items() if call.holder.may(f"{_scope_of(name)}:read")}
    if not visible:
        call.holder.require("feature_settings:read")
    return visible


@service.patch("/tailnet/{tailnet}/settings")
def update(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in body.items() if value is not None}
    for name in given:
        call.holder.require(_scope_of(name))
    known = documents.stored(call, DOCUMENT, Settings).model_dump(by_alias=True)
    try:
        wanted = Settings.model_validate(known | given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from error
    for name, lacking in UNENFORCED.items():
        if getattr(wanted, name):
            raise NotImplementedHereError(lacking)
    documents.store(call, DOCUMENT, wanted)
    return wanted.model_dump(by_alias=True)


def _scope_of(name: str) -> str:
    return SCOPES.get(name, "feature_settings")
