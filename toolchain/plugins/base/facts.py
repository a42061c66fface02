"""The facts of an official provider schema, as data: `toolchain/facts/<package>.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

PropertyType = str | list[Any] | dict[str, Any]
"""`"string"`, `["list", T]`, `["map", T]`, or `{"object": {name: T}, "required": [name]}`."""


@dataclass(frozen=True)
class Property:
    """One input or output of a resource."""

    type: PropertyType
    required: bool = False
    replace: bool = False
    secret: bool = False


@dataclass(frozen=True)
class ResourceFacts:
    """The inputs of a resource, and the outputs that only the API can tell."""

    token: str
    inputs: Mapping[str, Property]
    computed: Mapping[str, Property]

    @property
    def secrets(self) -> set[str]:
        return {name for name, each in {**self.inputs, **self.computed}.items() if each.secret}

    @property
    def is_autonamed(self) -> bool:
        """The official bridge names whatever has a `name` that the program may leave out."""
        return "name" in self.inputs and not self.inputs["name"].required


@dataclass(frozen=True)
class PackageFacts:
    """A provider's whole schema, as far as the stand-in knows it."""

    name: str
    config: Mapping[str, Property]
    resources: Mapping[str, ResourceFacts]
    functions: frozenset[str] = field(default_factory=frozenset)


@cache
def load(package: str) -> PackageFacts:
    """The facts of a package (`digitalocean`). FileNotFoundError if there are none."""
    raw = json.loads((resources.files("toolchain.facts") / f"{package}.json").read_text())
    return PackageFacts(
        name=raw["package"],
        config=_properties(raw["config"]),
        resources={token: _resource(token, each) for token, each in raw["resources"].items()},
        functions=frozenset(raw["functions"]),
    )


def _resource(token: str, raw: Mapping[str, Any]) -> ResourceFacts:
    return ResourceFacts(token, _properties(raw["inputs"]), _properties(raw["computed"]))


def _properties(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Property]:
    known = ("required", "replace", "secret")
    return {
        name: Property(each["type"], **{key: bool(each.get(key)) for key in known})
        for name, each in raw.items()
    }


def snake(name: str) -> str:
    """`ipv4AddressPrivate` as an API spells it: `ipv4_address_private`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    """`ip_range` as Pulumi spells it: `ipRange`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
