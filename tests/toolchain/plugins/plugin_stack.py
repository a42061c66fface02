"""Several things made through a stand-in, and what an engine would do with all of them."""

from typing import Any

from plugin_client import Plugin

from toolchain.plugins.base.values import Properties, decode


class Stack:
    """Makes things, and takes each through what an engine does with it."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.made: list[tuple[str, str, Properties, Properties]] = []

    def add(self, resource: str, **inputs: Any) -> str:
        id, checked, state = self.plugin.make(resource, inputs)
        self.made.append((resource, id, checked, state))
        return id

    def differences(self) -> dict[str, list[str]]:
        """What a refresh and a preview would say of each thing, where they say anything."""
        found = {}
        for type, id, inputs, state in self.made:
            read = self.plugin.read(type, id, state, inputs)
            diff = self.plugin.diff(type, decode(read.properties), decode(read.inputs), inputs)
            if diff.diffs or not read.id:
                found[type] = list(diff.diffs)
        return found

    def destroy(self) -> None:
        """Remove everything, twice: what is gone already is no error."""
        for type, id, _, state in reversed(self.made):
            self.plugin.delete(type, id, state)
            self.plugin.delete(type, id, state)
