"""The life of a command, local or remote: what runs on create, update and delete."""

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.logs import RESOURCE
from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.resource import Reading, Resource
from toolchain.plugins.base.values import Properties, is_unknown
from toolchain.plugins.command.outputs import Logging, Output, Written

ID_BYTES = 4


class Unreadable(Resource):
    """A resource of which nothing but the state knows anything: a refresh finds it as it was."""

    bridged = False

    def __init__(self, facts: ResourceFacts, provider: Provider) -> None:
        super().__init__(facts)
        self.waiter = provider.waiter
        self.log = provider.log

    def read(self, id: str, state: Properties) -> Reading | None:
        if not state:
            raise ProviderError(f"{id} can't be imported: a command leaves nothing that could be read")
        return Reading(id, state)


class CommandResource(Unreadable):
    """Runs `create`, then `update` or else `create` again, and `delete` at the end."""

    defaults: ClassVar[Mapping[str, Any]] = {"addPreviousOutputInEnv": True}

    @abstractmethod
    def run(self, command: str, inputs: Mapping[str, Any], previous: Written) -> Properties:
        """What the state keeps of a run that succeeded. Raises ProviderError."""

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        if is_unknown(inputs.get("logging")):
            return {}
        try:
            Logging.of(inputs)
        except ProviderError as error:
            return {"logging": str(error)}
        return {}

    def create(self, inputs: Properties) -> Reading:
        command = inputs.get("create")
        nothing = {"stdout": "", "stderr": ""}
        made = nothing if command is None else self.run(command, inputs, Written())
        return Reading(RESOURCE.get().rsplit("::", 1)[-1] + secrets.token_hex(ID_BYTES), made)

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        command = inputs.get("update", inputs.get("create"))
        return {} if command is None else self.run(command, inputs, _previous(state, inputs))

    def delete(self, id: str, state: Properties) -> None:
        if (command := state.get("delete")) is not None:
            self.run(command, state, _previous(state, state))

    def output(self, inputs: Mapping[str, Any]) -> Output:
        """Where a run writes to; the engine shows its lines beside the resource."""
        about = RESOURCE.get()
        return Output(Logging.of(inputs), lambda line: self.log.status(line, about=about))


def _previous(state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Written:
    if inputs.get("addPreviousOutputInEnv") is False:
        return Written()
    return Written(state.get("stdout") or "", state.get("stderr") or "")
