"""Commands on another host, by SSH."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.values import Properties
from toolchain.plugins.command import session
from toolchain.plugins.command.connection import Dialer, completed
from toolchain.plugins.command.lifecycle import CommandResource
from toolchain.plugins.command.outputs import Written


class RemoteCommand(CommandResource):
    token = "command:remote:Command"

    def __init__(self, facts: ResourceFacts, provider: Provider) -> None:
        super().__init__(facts, provider)
        self._dialer = Dialer(provider.waiter, provider.log)

    def completed(self, inputs: Properties) -> Properties:
        return completed(inputs)

    def run(self, command: str, inputs: Mapping[str, Any], previous: Written) -> Properties:
        output = self.output(inputs)
        with self._dialer.connected(inputs["connection"]) as client:
            environment = inputs.get("environment") or {}
            prepared = session.prepared(client, environment, previous.environment, self.log.warning)
            session.run(prepared, command, inputs.get("stdin") or "", output, self.waiter)
        written = output.written()
        return {"stdout": written.stdout, "stderr": written.stderr}
