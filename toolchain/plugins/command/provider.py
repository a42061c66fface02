"""The provider: its resources, its one function. It has no settings."""

from collections.abc import Mapping

from toolchain.plugins.base.checks import convert_all, missing
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import PackageFacts, Property
from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import Properties
from toolchain.plugins.command.copying import CopyToRemote
from toolchain.plugins.command.local import LocalCommand, run
from toolchain.plugins.command.outputs import Logging, Output, Written
from toolchain.plugins.command.remote import RemoteCommand

RUN = "command:local:run"
RESOURCES = (LocalCommand, RemoteCommand, CopyToRemote)
NOT_OF_A_FUNCTION = frozenset({"create", "update", "delete", "triggers"})


class Command(Provider):
    """The stand-in for the official plugin `command`."""

    def __init__(self, facts: PackageFacts, version: str) -> None:
        super().__init__(facts, version)
        self._resources = {each.token: each(facts.resources[each.token], self) for each in RESOURCES}

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def configure(self, settings: Properties) -> None:
        del settings

    def invoke(self, token: str, arguments: Properties) -> Properties:
        if token != RUN:
            raise ProviderError(f"{token}: the stand-in for command lacks this function; it has {RUN}")
        inputs = self._checked(arguments)
        output = Output(Logging.of(inputs), self.log.status)
        return {**inputs, **run(inputs["command"], inputs, Written(), output, self.waiter)}

    def _checked(self, arguments: Properties) -> Properties:
        """The arguments in their types: those of a local command, and the command itself."""
        inputs = self.facts.resources[LocalCommand.token].inputs
        known = {name: each for name, each in inputs.items() if name not in NOT_OF_A_FUNCTION}
        known["command"] = Property("string", required=True)
        given = {name: value for name, value in arguments.items() if value is not None}
        converted, failures = convert_all(given, known, RUN)
        failures += missing(converted, known, RUN)
        if failures:
            raise ProviderError("; ".join(failure.reason for failure in failures))
        return converted
