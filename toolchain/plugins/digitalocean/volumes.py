"""Volumes, and what they are attached to."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.actions import act, set_tags
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.translate import present


class Volume(Collection):
    token = "digitalocean:index/volume:Volume"
    group, envelope, plural = "volumes", "volume", "volumes"
    renames = {"size": "size_gigabytes"}
    kept = frozenset({"filesystemType"})
    lowered = frozenset({"region"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        old, new = olds.get("size"), inputs.get("size")
        if isinstance(old, int) and isinstance(new, int) and new < old:
            return {"size": f"a volume can only grow: it has {old} GiB, {new} are asked for"}
        return {}

    def body(self, inputs: Mapping[str, Any]) -> Json:
        return present(
            {
                "name": inputs["name"],
                "region": inputs["region"],
                "size_gigabytes": inputs["size"],
                "description": inputs.get("description"),
                "snapshot_id": inputs.get("snapshotId"),
                "filesystem_type": inputs.get("initialFilesystemType") or inputs.get("filesystemType"),
                "filesystem_label": inputs.get("initialFilesystemLabel"),
                "tags": inputs.get("tags"),
            }
        )

    def state(self, thing: Json) -> Properties:
        return {**super().state(thing), "volumeUrn": f"do:volume:{thing['id']}"}

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        if state.get("size") != inputs["size"]:
            body = {"type": "resize", "size_gigabytes": inputs["size"], "region": inputs["region"]}
            act(self.api, "volume_actions.post_by_id", id, body)
        set_tags(self.api, "volume", id, state.get("tags") or [], inputs.get("tags") or [])
        return self.state(self.expect(id, state))


class VolumeAttachment(Collection):
    """Its id is `<droplet>-<volume>`; it is imported as `<droplet>,<volume>`."""

    token = "digitalocean:index/volumeAttachment:VolumeAttachment"
    group, envelope = "volumes", "volume"

    def create(self, inputs: Properties) -> Reading:
        droplet, volume = inputs["dropletId"], inputs["volumeId"]
        if not self._is_attached(droplet, volume):
            act(self.api, "volume_actions.post_by_id", volume, {"type": "attach", "droplet_id": droplet})
        return Reading(f"{droplet}-{volume}", {})

    def read(self, id: str, state: Properties) -> Reading | None:
        droplet, volume = self._parts(id, state)
        if not self._is_attached(droplet, volume):
            return None
        return Reading(id.replace(",", "-"), {"dropletId": droplet, "volumeId": volume})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        raise ProviderError(f"{id}: an attachment can't be changed, only replaced")

    def delete(self, id: str, state: Properties) -> None:
        droplet, volume = self._parts(id, state)
        if self._is_attached(droplet, volume):
            act(self.api, "volume_actions.post_by_id", volume, {"type": "detach", "droplet_id": droplet})

    def _is_attached(self, droplet: int, volume: str) -> bool:
        try:
            found = self.api.call("volumes.get", volume)["volume"]
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return droplet in (found.get("droplet_ids") or [])

    @staticmethod
    def _parts(id: str, state: Mapping[str, Any]) -> tuple[int, str]:
        if "dropletId" in state and "volumeId" in state:
            return int(state["dropletId"]), str(state["volumeId"])
        droplet, _, volume = id.replace(",", "-", 1).partition("-")
        if not droplet.isdigit() or not volume:
            raise ProviderError(f'"{id}" is no attachment; write <droplet id>,<volume id>')
        return int(droplet), volume
