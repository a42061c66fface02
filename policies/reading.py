"""A resource as a rule sees it: its properties, read without stumbling over values that aren't known yet.

Imports nothing of Pulumi's but the marks by which its policy SDK shows unknown values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from components.naming import PLATFORM


class Mark(Enum):
    """What stands for a value that can't be had."""

    UNKNOWN = "unknown"
    """A preview doesn't know it: an update does, and the rule runs again before the resource is made."""


UNKNOWN: Final = Mark.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource's inputs, in the engine's spelling (`publicNetworking`).

    `ancestors` are the type tokens of its parents, outermost first, as its URN has them. `sources` has, for
    each property, the resources whose outputs it is made from; only in a stack rule, where they are known.
    """

    type: str
    name: str
    urn: str
    props: Mapping[str, Any] = field(repr=False)
    protect: bool = False
    parent: str = ""
    sources: Mapping[str, Sequence["Resource"]] = field(default_factory=dict, repr=False)

    @property
    def stack(self) -> str:
        """The stack's name, which is the tenant's, or `platform`."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")

    @property
    def is_of_a_tenant(self) -> bool:
        return self.stack != PLATFORM

    @property
    def ancestors(self) -> tuple[str, ...]:
        return tuple(self.urn.split("::")[2].split("$")[:-1])

    @property
    def label(self) -> str:
        """How a message names it: `Droplet acme-guardrail-1`."""
        return f"{self.type.rsplit(':', 1)[-1]} {self.name}"

    def has(self, key: str) -> bool:
        """Whether the property is given, known or not."""
        return key in set(self.props)

    def get(self, *path: str | int) -> Any:
        """The value at a path; None where there is none, UNKNOWN where it, or what it is in, isn't known."""
        return read(self.props, *path)

    def is_made_from(self, key: str, type_: str) -> bool:
        """Whether the property, or each element of a list, comes from a resource of this stack, of that type.

        For a stack rule.
        """
        value, sources = self.get(key), self.sources.get(key, ())
        count = len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 1
        return [source.type for source in sources] == [type_] * count

    def items(self, *path: str | int) -> Iterator[Any]:
        """The elements of a list, each read for itself: UNKNOWN for one that isn't known, or for all."""
        yield from elements(self.get(*path))


def read(value: Any, *path: str | int) -> Any:
    """The value at a path inside another, as `Resource.get` gives it."""
    for step in path:
        if value is None or value is UNKNOWN:
            return value
        try:
            value = value[step]
        except UnknownValueError:
            return UNKNOWN
        except (KeyError, IndexError, TypeError):
            return None
    return value


def elements(value: Any) -> Iterator[Any]:
    """The elements of a list that was read; one UNKNOWN when it isn't known, none when there is no list."""
    if value is UNKNOWN:
        yield UNKNOWN
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index in range(len(value)):
            yield read(value, index)


def plain(value: Any) -> Any:
    """A value without the proxies around it, UNKNOWN in the place of what isn't known."""
    if isinstance(value, Mapping):
        return {key: plain(read(value, key)) for key in set(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in elements(value)]
    return value
