"""What a provider says about each of its resources, beyond the facts, and how it makes them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.values import Properties


@dataclass(frozen=True)
class Reading:
    """What the API says of a thing: its id, and its state in Pulumi's property names."""

    id: str
    state: Properties


class Resource(ABC):
    """The handler of one resource type. All values are plain: unknowns and secrets never get here.

    Every method that calls the API raises ProviderError; `PartialFailure` once there is an id to keep.
    """

    token: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Inputs that the official provider fills in."""
    kept: frozenset[str] = frozenset()
    """Inputs that keep what the API chose when the program doesn't say (Terraform: optional and computed)."""
    lowered: ClassVar[frozenset[str]] = frozenset()
    """Inputs that the API knows in lower case only."""
    digests: ClassVar[Mapping[str, Callable[[str], str]]] = {}
    """Inputs of which the state keeps a digest only."""
    nested_computed: ClassVar[frozenset[str]] = frozenset()
    """Fields inside list items that the API fills in: no difference when the program leaves them out."""
    deletes_before_replace: ClassVar[bool] = False
    bridged: ClassVar[bool] = True
    """Whether the official provider is bridged from Terraform. One that isn't compares values as they are,
    records no defaults, and may give every output anew on an update."""

    def __init__(self, facts: ResourceFacts) -> None:
        self.facts = facts

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        """Reasons, by input, why these inputs can't be. May be given unknowns."""
        del inputs, olds
        return {}

    def completed(self, inputs: Properties) -> Properties:
        """The inputs with the defaults that lie deeper than `defaults`. May be given unknowns and secrets."""
        return inputs

    def outdated(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> str | None:
        """The output because of which the thing must be replaced although no input has changed."""
        del state, inputs
        return None

    def replaces(self, name: str, old: Any, new: Any) -> bool:
        """Whether this change of an input needs a new thing."""
        del old, new
        return self.facts.inputs[name].replace

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Whether two different spellings of an input mean the same. Called when they differ."""
        del name, old, new
        return False

    @abstractmethod
    def create(self, inputs: Properties) -> Reading: ...

    @abstractmethod
    def read(self, id: str, state: Properties) -> Reading | None:
        """The thing as it is now; None when it is gone. `state` is empty on import."""

    @abstractmethod
    def update(self, id: str, state: Properties, inputs: Properties) -> Properties: ...

    @abstractmethod
    def delete(self, id: str, state: Properties) -> None:
        """Remove the thing. That it has gone already is success."""
