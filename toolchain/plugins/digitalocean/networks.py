"""VPCs, their NAT gateways and peerings."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import TimedOut
from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Api, Json
from toolchain.plugins.digitalocean.collection import Collection, Readiness

DRAINING_SECONDS = 120.0
"""How long the official provider waits for the last members of a VPC to go."""
DRAINING = frozenset({403, 409})


class Vpc(Collection):
    token = "digitalocean:index/vpc:Vpc"
    group, envelope, plural = "vpcs", "vpc", "vpcs"
    renames = {"vpcUrn": "urn"}
    kept = frozenset({"ipRange"})

    def __init__(self, facts: ResourceFacts, api: Api) -> None:
        super().__init__(facts, api)
        self._one_at_a_time = Lock()

    def create(self, inputs: Properties) -> Reading:
        with self._one_at_a_time:  # DigitalOcean may give two at once the same range
            return super().create(inputs)

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        body = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "default": state.get("default", False),
        }
        return self.state(self.api.call("vpcs.update", id, body)["vpc"])

    def delete(self, id: str, state: Properties) -> None:
        refusals: list[ApiError] = []

        def attempt() -> bool | None:
            try:
                Collection.delete(self, id, state)
            except ApiError as error:
                if error.status not in DRAINING or "member" not in str(error):
                    raise
                refusals.append(error)
                return None
            return True

        try:
            self.api.waiter.until(f"the last members of VPC {id}", attempt, seconds=DRAINING_SECONDS)
        except TimedOut:
            raise refusals[-1] from None


class VpcNatGateway(Collection):
    token = "digitalocean:index/vpcNatGateway:VpcNatGateway"
    group, envelope, plural = "vpcnatgateways", "vpc_nat_gateway", "vpc_nat_gateways"
    kept = frozenset({"udpTimeoutSeconds", "tcpTimeoutSeconds", "icmpTimeoutSeconds", "projectId"})
    nested_computed = frozenset({"gatewayIp", "subnetUuid", "defaultGateway"})
    readiness = Readiness("state", frozenset({"active"}), frozenset({"error", "errored"}))
    vanishes = True

    def get(self, id: str, state: Mapping[str, Any]) -> Json | None:
        gateway = super().get(id, state)
        return None if gateway and str(gateway.get("state")).upper() == "DELETED" else gateway

    def state(self, thing: Json) -> Properties:
        egresses = thing.get("egresses")
        listed = [egresses] if isinstance(egresses, Mapping) else egresses
        return super().state({**thing, "egresses": listed} if "egresses" in thing else thing)


class VpcPeering(Collection):
    token = "digitalocean:index/vpcPeering:VpcPeering"
    group, envelope, plural = "vpc_peerings", "vpc_peering", "vpc_peerings"
    operations = {"update": "patch"}
    readiness = Readiness("status", frozenset({"active"}))
    vanishes = True

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        del state
        return self.state(self.api.call("vpc_peerings.patch", id, {"name": inputs["name"]})["vpc_peering"])
