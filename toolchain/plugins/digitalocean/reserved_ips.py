"""Reserved addresses and what they are assigned to."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.actions import act
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection


class ReservedIp(Collection):
    token = "digitalocean:index/reservedIp:ReservedIp"
    group, envelope, plural = "reserved_ips", "reserved_ip", "reserved_ips"
    renames = {"ipAddress": "ip"}
    kept = frozenset({"ipAddress"})

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        del inputs
        return str(thing["ip"])

    def body(self, inputs: Mapping[str, Any]) -> Json:
        droplet = inputs.get("dropletId")
        return {"droplet_id": droplet} if droplet else {"region": inputs["region"]}

    def state(self, thing: Json) -> Properties:
        droplet = (thing.get("droplet") or {}).get("id")
        urn = f"do:reservedip:{thing['ip']}"
        return {**super().state(thing), "dropletId": droplet, "reservedIpUrn": urn}

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        droplet = inputs.get("dropletId")
        body = {"type": "assign", "droplet_id": droplet} if droplet else {"type": "unassign"}
        act(self.api, "reserved_ips_actions.post", id, body)
        return self.state(self.expect(id, state))

    def is_what_was_asked(self, thing: Json, inputs: Mapping[str, Any]) -> bool:
        droplet = (thing.get("droplet") or {}).get("id")
        return bool(inputs.get("dropletId")) and droplet == inputs["dropletId"]


class ReservedIpAssignment(Collection):
    """The assignment alone, of an address that another resource made. Its id is `<address>-<droplet>`."""

    token = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment"
    group, envelope = "reserved_ips", "reserved_ip"

    def create(self, inputs: Properties) -> Reading:
        body = {"type": "assign", "droplet_id": inputs["dropletId"]}
        act(self.api, "reserved_ips_actions.post", inputs["ipAddress"], body)
        return Reading(f"{inputs['ipAddress']}-{inputs['dropletId']}", {})

    def read(self, id: str, state: Properties) -> Reading | None:
        address, droplet = self._parts(id)
        try:
            found = self.api.call("reserved_ips.get", address)["reserved_ip"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        if (found.get("droplet") or {}).get("id") != droplet:
            return None
        return Reading(f"{address}-{droplet}", {"ipAddress": address, "dropletId": droplet})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        raise ProviderError(f"{id}: an assignment can't be changed, only replaced")

    def delete(self, id: str, state: Properties) -> None:
        if self.read(id, state) is not None:
            act(self.api, "reserved_ips_actions.post", self._parts(id)[0], {"type": "unassign"})

    @staticmethod
    def _parts(id: str) -> tuple[str, int]:
        address, _, droplet = id.replace(",", "-").partition("-")
        if not droplet.isdigit():
            raise ProviderError(f'"{id}" is no assignment; write <address>,<droplet id>')
        return address, int(droplet)
