"""What the resources share: the API behind them, and the tailnet's settings, of which there is one each."""

import uuid
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.resource import Reading, Resource
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import Api, Json


class TailscaleResource(Resource):
    """A resource of the tailnet."""

    replacing: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change needs a new thing. The official schema doesn't say; Tailscale's provider does."""

    def __init__(self, facts: ResourceFacts, api: Api) -> None:
        super().__init__(facts)
        self.api = api

    def replaces(self, name: str, old: Any, new: Any) -> bool:
        return name in self.replacing or super().replaces(name, old, new)

    def told(self, thing: Json) -> Properties:
        """What the API says under the names that Pulumi uses too."""
        return {name: thing[name] for name in (*self.facts.inputs, *self.facts.computed) if name in thing}


class Setting(TailscaleResource):
    """Something that every tailnet has, so that to make it is to set it. Its id says nothing."""

    @abstractmethod
    def write(self, inputs: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def current(self) -> Properties: ...

    @abstractmethod
    def reset(self, state: Properties) -> None:
        """Leave it as a deletion does."""

    def create(self, inputs: Properties) -> Reading:
        self.write(inputs)
        return Reading(str(uuid.uuid4()), {})

    def read(self, id: str, state: Properties) -> Reading | None:
        del state
        return Reading(id, self.current())

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        del id, state
        self.write(inputs)
        return {}

    def delete(self, id: str, state: Properties) -> None:
        del id
        self.reset(state)
