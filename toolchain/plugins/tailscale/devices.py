"""What is set of a device once it has joined: whether it may, its key, its routes, its tags."""

import uuid
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Json, path
from toolchain.plugins.tailscale.kinds import TailscaleResource


class DeviceSetting(TailscaleResource):
    """One thing about a device. Its id is the device's; with the device it goes."""

    replacing = frozenset({"deviceId"})

    @abstractmethod
    def write(self, device: str, values: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def about(self, device: Json) -> Properties: ...

    @abstractmethod
    def reset(self, device: str) -> None:
        """Leave it as a deletion does."""

    def create(self, inputs: Properties) -> Reading:
        self.write(inputs["deviceId"], inputs)
        return Reading(inputs["deviceId"], {})

    def read(self, id: str, state: Properties) -> Reading | None:
        device = self.api.find(path("device", id))
        if device is None:
            return None
        name = id if id == device.get("id") else device.get("nodeId", id)
        return Reading(name, {"deviceId": name, **self.about(device)})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self.write(id, inputs)
        return {}

    def delete(self, id: str, state: Properties) -> None:
        try:
            self.reset(state.get("deviceId", id))
        except ApiError as error:
            if error.status != 404:
                raise

    def set(self, device: str, what: str, body: Json) -> None:
        self.api.set(path("device", device, what), body)


class DeviceAuthorization(DeviceSetting):
    """Lets a device in. The API can't put one out again, so nothing here does."""

    token = "tailscale:index/deviceAuthorization:DeviceAuthorization"

    def write(self, device: str, values: Mapping[str, Any]) -> None:
        if values["authorized"]:
            self.set(device, "authorized", {"authorized": True})

    def about(self, device: Json) -> Properties:
        return {"authorized": bool(device.get("authorized"))}

    def reset(self, device: str) -> None:
        del device


class DeviceKey(DeviceSetting):
    token = "tailscale:index/deviceKey:DeviceKey"

    def write(self, device: str, values: Mapping[str, Any]) -> None:
        self.set(device, "key", {"keyExpiryDisabled": bool(values.get("keyExpiryDisabled"))})

    def about(self, device: Json) -> Properties:
        return {"keyExpiryDisabled": bool(device.get("keyExpiryDisabled"))}

    def reset(self, device: str) -> None:
        self.write(device, {})


class DeviceTags(DeviceSetting):
    token = "tailscale:index/deviceTags:DeviceTags"

    def write(self, device: str, values: Mapping[str, Any]) -> None:
        self.set(device, "tags", {"tags": values["tags"]})

    def about(self, device: Json) -> Properties:
        return {"tags": device.get("tags") or []}

    def reset(self, device: str) -> None:
        self.write(device, {"tags": []})


class DeviceSubnetRoutes(DeviceSetting):
    """The routes of a device that are enabled. Its id says nothing; it is imported by the device's."""

    token = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"

    def create(self, inputs: Properties) -> Reading:
        return Reading(str(uuid.uuid4()), super().create(inputs).state)

    def read(self, id: str, state: Properties) -> Reading | None:
        device = state.get("deviceId", id)
        routes = self.api.find(path("device", device, "routes"))
        if routes is None:
            return None
        own = id if state else str(uuid.uuid4())
        return Reading(own, {"deviceId": device, **self.about(routes)})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        return super().update(inputs["deviceId"], state, inputs)

    def write(self, device: str, values: Mapping[str, Any]) -> None:
        self.set(device, "routes", {"routes": values["routes"]})

    def about(self, device: Json) -> Properties:
        return {"routes": device.get("enabledRoutes") or []}

    def reset(self, device: str) -> None:
        self.write(device, {"routes": []})
