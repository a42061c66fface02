"""Alerts on metrics, and checks of what answers."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection


class MonitorAlert(Collection):
    token = "digitalocean:index/monitorAlert:MonitorAlert"
    group, envelope, plural = "monitoring", "policy", "policies"
    operations = {
        "create": "create_alert_policy",
        "get": "get_alert_policy",
        "update": "update_alert_policy",
        "delete": "delete_alert_policy",
        "list": "list_alert_policy",
    }
    defaults = {"enabled": True}

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        del inputs
        return str(thing["uuid"])

    def body(self, inputs: Mapping[str, Any]) -> Json:
        body = super().body(inputs)
        return {
            **body,
            "alerts": _notices_to_api(inputs["alerts"]),
            "entities": inputs.get("entities") or [],
            "tags": inputs.get("tags") or [],
        }

    def state(self, thing: Json) -> Properties:
        return super().state({**thing, "alerts": _notices_from_api(thing.get("alerts"))})

    def is_what_was_asked(self, thing: Json, inputs: Mapping[str, Any]) -> bool:
        return all(thing.get(key) == inputs.get(key) for key in ("description", "type", "value"))


class UptimeCheck(Collection):
    token = "digitalocean:index/uptimeCheck:UptimeCheck"
    group, envelope, plural = "uptime", "check", "checks"
    operations = {
        "create": "create_check",
        "get": "get_check",
        "update": "update_check",
        "delete": "delete_check",
        "list": "list_checks",
    }
    defaults = {"enabled": True}
    kept = frozenset({"regions", "type"})


class UptimeAlert(Collection):
    """Imported as `<check id>,<alert id>`."""

    token = "digitalocean:index/uptimeAlert:UptimeAlert"
    group, envelope, plural = "uptime", "alert", "alerts"
    operations = {
        "create": "create_alert",
        "get": "get_alert",
        "update": "update_alert",
        "delete": "delete_alert",
        "list": "list_alerts",
    }
    unsent = frozenset({"checkId"})

    def parents(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (values["checkId"],)

    def locate(self, id: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        check, comma, alert = id.rpartition(",")
        owner = check if comma else state.get("checkId")
        if not owner:
            raise ProviderError(f'"{id}" is no id of an alert; write <check id>,<alert id>')
        return owner, alert

    def body(self, inputs: Mapping[str, Any]) -> Json:
        return {**super().body(inputs), "notifications": _notices_to_api(inputs["notifications"][0])}

    def state(self, thing: Json) -> Properties:
        return super().state({**thing, "notifications": [_notices_from_api(thing.get("notifications"))]})

    def read(self, id: str, state: Properties) -> Reading | None:
        found = super().read(id, state)
        owner = self.locate(id, state)[0]
        return found and Reading(found.id, {**found.state, "checkId": owner})


def _notices_to_api(notices: Mapping[str, Any]) -> Json:
    return {"email": notices.get("emails") or [], "slack": notices.get("slacks") or []}


def _notices_from_api(notices: Any) -> Json:
    said = notices or {}
    return {"emails": said.get("email") or [], "slacks": said.get("slack") or []}
