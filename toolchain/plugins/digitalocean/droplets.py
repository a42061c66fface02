"""Droplets: made and changed by actions that take their time."""

import hashlib
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError, Undone
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import UNKNOWN, Properties
from toolchain.plugins.digitalocean.actions import ACTION_SECONDS, act, check_action, set_tags
from toolchain.plugins.digitalocean.api import Json
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.translate import to_api

REMOVAL_SECONDS = 120.0
FEATURES = {
    "backups": "backups",
    "ipv6": "ipv6",
    "monitoring": "monitoring",
    "privateNetworking": "private_networking",
}


def _sha1(text: str) -> str:
    """What the official provider keeps of user data."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Droplet(Collection):
    token = "digitalocean:index/droplet:Droplet"
    group, envelope, plural = "droplets", "droplet", "droplets"
    operations = {"delete": "destroy"}
    renames = {"dropletAgent": "with_droplet_agent", "sshKeys": "ssh_keys", "volumeIds": "volumes"}
    unsent = frozenset({"gracefulShutdown", "resizeDisk", "image", "sshKeys", "ipv6Address"})
    defaults = {
        "backups": False,
        "gracefulShutdown": False,
        "ipv6": False,
        "monitoring": False,
        "resizeDisk": True,
    }
    kept = frozenset({"ipv6Address", "privateNetworking", "region", "volumeIds", "vpcUuid"})
    lowered = frozenset({"region", "size"})
    digests = {"userData": _sha1}

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        if "backupPolicy" in inputs and inputs.get("backups") not in (True, UNKNOWN):
            return {"backupPolicy": "backupPolicy needs backups: true"}
        return {}

    def replaces(self, name: str, old: Any, new: Any) -> bool:
        if name == "ipv6":  # it can be turned on, but never off
            return old is True and new is False
        return super().replaces(name, old, new)

    def body(self, inputs: Mapping[str, Any]) -> Json:
        image = inputs["image"]
        keys = [int(key) if str(key).isdigit() else key for key in inputs.get("sshKeys") or []]
        return {**super().body(inputs), "image": int(image) if image.isdigit() else image, "ssh_keys": keys}

    def settled(self, id: str, inputs: Properties, answer: Json) -> Json:
        begun = [link["id"] for link in (answer.get("links") or {}).get("actions") or []]

        def probe() -> Json | None:
            droplet = self.expect(id, inputs)
            if droplet["status"] == "active" and not droplet.get("locked"):
                return droplet
            for action in begun:
                self._undo_when_errored(id, self.api.call("actions.get", action)["action"])
            return None

        return self.api.waiter.until(f"droplet {id} to be active", probe, seconds=ACTION_SECONDS)

    def _undo_when_errored(self, id: str, action: Json) -> None:
        """A droplet whose create has errored never starts: kept in the state, it would block every update."""
        try:
            check_action(action)
        except ProviderError as error:
            self.delete(id, {})
            raise Undone(f"{error}; the droplet has been removed again") from error

    def state(self, thing: Json) -> Properties:
        networks = thing.get("networks") or {}
        features = thing.get("features")
        told = {} if features is None else {name: key in features for name, key in FEATURES.items()}
        size = thing.get("size") or {}
        plain = super().state({key: value for key, value in thing.items() if key != "image"})
        return {
            **plain,
            **told,
            "size": thing.get("size_slug") or size.get("slug"),
            "priceHourly": size.get("price_hourly"),
            "priceMonthly": size.get("price_monthly"),
            "ipv4Address": _address(networks.get("v4"), "public"),
            "ipv4AddressPrivate": _address(networks.get("v4"), "private"),
            "ipv6Address": _address(networks.get("v6"), "public").lower(),
            "volumeIds": thing.get("volume_ids") or [],
            "dropletUrn": f"do:droplet:{thing['id']}",
        }

    def locate(self, id: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        del state
        if not id.isdigit():
            raise ProviderError(
                f'"{id}" is no id of a droplet; it is a number, as `doctl compute droplet list` shows'
            )
        return (int(id),)

    def read(self, id: str, state: Properties) -> Reading | None:
        droplet = self.get(id, state)
        if droplet is None:
            return None
        found = self.state(droplet)
        if not state:  # an import: later the image may drift, for a slug moves on to newer images
            image = droplet.get("image") or {}
            found |= {"image": image.get("slug") or str(image.get("id")), "resizeDisk": True}
        return Reading(id, found)

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        if self.expect(id, state)["status"] == "new":  # an update cut short its create
            self.settled(id, state, {})
        if state.get("size") != inputs["size"]:
            self._resize(id, state, inputs)
        if state.get("name") != inputs["name"]:
            self._act(id, type="rename", name=inputs["name"])
        self._update_backups(id, state, inputs)
        for feature, action in (("ipv6", "enable_ipv6"), ("privateNetworking", "enable_private_networking")):
            if inputs.get(feature) and not state.get(feature):
                self._act(id, type=action)
        set_tags(self.api, "droplet", id, state.get("tags") or [], inputs.get("tags") or [])
        if "volumeIds" in inputs:
            self._update_volumes(id, set(state.get("volumeIds") or []), set(inputs["volumeIds"]))
        return self.state(self.expect(id, state))

    def delete(self, id: str, state: Properties) -> None:
        droplet = self.get(id, state)
        if droplet is None:
            return
        if state.get("gracefulShutdown") and droplet["status"] == "active":
            self._act(id, type="shutdown")
        for volume in droplet.get("volume_ids") or []:
            self._detach(id, volume)
        super().delete(id, state)
        gone = lambda: True if self.get(id, state) is None else None  # noqa: E731 - a condition, not a function
        self.api.waiter.until(f"the removal of droplet {id}", gone, seconds=REMOVAL_SECONDS)

    def _resize(self, id: str, state: Properties, inputs: Properties) -> None:
        running = self.expect(id, state)["status"] == "active"
        if running:
            self._act(id, type="power_off")
        try:
            self._act(id, type="resize", size=inputs["size"], disk=inputs.get("resizeDisk", True))
        finally:
            if running:  # also after a failed resize: the droplet was on
                self._act(id, type="power_on")

    def _update_backups(self, id: str, state: Properties, inputs: Properties) -> None:
        policy = to_api(inputs.get("backupPolicy"), self.facts.inputs["backupPolicy"].type)
        wanted, had = bool(inputs.get("backups")), bool(state.get("backups"))
        if wanted and not had:
            self._act(id, type="enable_backups", **({"backup_policy": policy} if policy else {}))
        elif had and not wanted:
            self._act(id, type="disable_backups")
        elif wanted and policy and inputs.get("backupPolicy") != state.get("backupPolicy"):
            self._act(id, type="change_backup_policy", backup_policy=policy)

    def _update_volumes(self, id: str, old: set[str], new: set[str]) -> None:
        for volume in sorted(new - old):
            act(self.api, "volume_actions.post_by_id", volume, {"type": "attach", "droplet_id": int(id)})
        for volume in sorted(old - new):
            self._detach(id, volume)

    def _detach(self, id: str, volume: str) -> None:
        try:
            act(self.api, "volume_actions.post_by_id", volume, {"type": "detach", "droplet_id": int(id)})
        except ApiError as error:
            if error.status != 404:
                raise

    def _act(self, id: str, **body: Any) -> None:
        act(self.api, "droplet_actions.post", int(id), body)


class DropletSnapshot(Collection):
    token = "digitalocean:index/dropletSnapshot:DropletSnapshot"
    group, envelope = "snapshots", "snapshot"
    renames = {"dropletId": "resource_id", "size": "size_gigabytes"}

    def create(self, inputs: Properties) -> Reading:
        droplet = int(inputs["dropletId"])
        act(self.api, "droplet_actions.post", droplet, {"type": "snapshot", "name": inputs["name"]})
        for snapshot in self.api.items("droplets.list_snapshots", "snapshots", droplet):
            if snapshot.get("name") == inputs["name"]:
                found = self.expect(str(snapshot["id"]), inputs)
                return Reading(str(snapshot["id"]), self.state(found))
        raise ProviderError(
            f"droplet {droplet} has no snapshot {inputs['name']} although its action completed"
        )


def _address(networks: Any, kind: str) -> str:
    return next((str(each["ip_address"]) for each in networks or [] if each.get("type") == kind), "")
