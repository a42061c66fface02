"""The tailnet's own settings, who is written to about it, and who is told what happens in it."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Api, path
from toolchain.plugins.tailscale.kinds import Setting, TailscaleResource

ROLES = ("none", "admin", "member")
OF_A_WEBHOOK = ("", "slack", "mattermost", "googlechat", "discord")
JOINING = "usersRoleAllowedToJoinExternalTailnet"
"""Which the API spells in the plural."""


class TailnetSettings(Setting):
    """Only what the program gives is set; a deletion changes nothing, for nobody knows the defaults."""

    token = "tailscale:index/tailnetSettings:TailnetSettings"

    def __init__(self, facts: ResourceFacts, api: Api) -> None:
        super().__init__(facts, api)
        self.kept = frozenset(facts.inputs)

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        reasons = {}
        if isinstance(role := inputs.get(JOINING), str) and role not in ROLES:
            reasons[JOINING] = f'"{role}" is none of {", ".join(ROLES)}'
        if isinstance(link := inputs.get("aclsExternalLink"), str) and not link.startswith(
            ("http://", "https://")
        ):
            reasons["aclsExternalLink"] = f'"{link}" is no address that begins with https://'
        return reasons

    def write(self, inputs: Mapping[str, Any]) -> None:
        named = {f"{name}s" if name == JOINING else name: value for name, value in inputs.items()}
        self.api.set(self.api.tailnet("settings"), named, method="PATCH")

    def current(self) -> Properties:
        said = self.api.get(self.api.tailnet("settings"))
        return self.told({**said, JOINING: said.get(f"{JOINING}s")})

    def create(self, inputs: Properties) -> Reading:
        return Reading(super().create(inputs).id, self.current())

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        super().update(id, state, inputs)
        return self.current()

    def reset(self, state: Properties) -> None:
        del state


class Contacts(Setting):
    """Whom Tailscale writes to. A deletion leaves them: there is no tailnet without."""

    token = "tailscale:index/contacts:Contacts"
    kept = frozenset({"account", "security", "support"})

    def write(self, inputs: Mapping[str, Any]) -> None:
        for kind in self.facts.inputs.keys() & inputs.keys():
            body = {"email": inputs[kind]["email"]}
            self.api.set(self.api.tailnet("contacts", kind), body, method="PATCH")

    def current(self) -> Properties:
        said = self.api.get(self.api.tailnet("contacts"))
        return {kind: {"email": said[kind]["email"]} for kind in self.facts.inputs if said.get(kind)}

    def reset(self, state: Properties) -> None:
        del state


class Webhook(TailscaleResource):
    """Tells another service what happens in the tailnet. Its secret is told once."""

    token = "tailscale:index/webhook:Webhook"
    replacing = frozenset({"endpointUrl", "providerType"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        kind = inputs.get("providerType")
        if isinstance(kind, str) and kind not in OF_A_WEBHOOK:
            return {"providerType": f'"{kind}" is none of {", ".join(filter(None, OF_A_WEBHOOK))}'}
        return {}

    def create(self, inputs: Properties) -> Reading:
        body = {"providerType": "", **self.told(inputs)}
        made = self.api.make(self.api.tailnet("webhooks"), body)
        return Reading(made["endpointId"], {"secret": made["secret"]})

    def read(self, id: str, state: Properties) -> Reading | None:
        found = self.api.find(path("webhooks", id))
        if found is None:
            return None
        return Reading(id, {name: value for name, value in self.told(found).items() if name != "secret"})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self.api.set(path("webhooks", id), {"subscriptions": inputs["subscriptions"]}, method="PATCH")
        return {}

    def delete(self, id: str, state: Properties) -> None:
        self.api.delete(path("webhooks", id))
