"""A provider as the gRPC service sees it: its facts, its resources, its functions, its settings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.errors import NotConfigured, ProviderError
from toolchain.plugins.base.facts import PackageFacts
from toolchain.plugins.base.logs import EngineLog
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import Properties
from toolchain.plugins.base.waiting import Waiter


class Provider(ABC):
    """What one provider adds to the base."""

    def __init__(self, facts: PackageFacts, version: str) -> None:
        self.facts = facts
        self.version = version
        self.waiter = Waiter()
        self.log = EngineLog()

    @property
    @abstractmethod
    def resources(self) -> Mapping[str, Resource]:
        """The handlers by token."""

    @abstractmethod
    def configure(self, settings: Properties) -> None:
        """Take the settings. Raises NotConfigured, which says what to set and how."""

    @abstractmethod
    def invoke(self, token: str, arguments: Properties) -> Properties:
        """The result of a function. Raises ProviderError naming one that the stand-in lacks."""

    def secret_results(self, token: str) -> set[str]:
        """The names of the results of a function that are secret."""
        del token
        return set()

    def resource(self, token: str) -> Resource:
        """The handler of a resource type. Raises ProviderError naming one that isn't there."""
        if handler := self.resources.get(token):
            return handler
        raise ProviderError(
            f"{token}: the stand-in for {self.facts.name} {self.version} has no such resource; "
            f"install the official plugin, or use one of: {', '.join(sorted(self.resources))}"
        )

    def cancel(self) -> None:
        self.waiter.cancel()

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go of what is held open. No call comes after it."""


def text(settings: Mapping[str, Any], name: str) -> str | None:
    """A setting that is a string, or None. Raises NotConfigured for another type."""
    value = settings.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise NotConfigured(f'the setting "{name}" must be a string')
