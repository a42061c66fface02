"""Check: the inputs of a program against the facts, with the defaults of the official provider filled in."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import provider_pb2

from toolchain.plugins.base.facts import Property
from toolchain.plugins.base.naming import DEFAULTS, autoname
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.types import Mismatch, convert
from toolchain.plugins.base.values import UNKNOWN, Properties, Secret, reveal


@dataclass(frozen=True)
class Failure:
    """An input that can't be: its path, and what is wrong with it."""

    property: str
    reason: str


def check(
    resource: Resource, request: provider_pb2.CheckRequest, olds: Properties, news: Properties
) -> tuple[Properties, list[Failure]]:
    """The inputs as the engine shall keep them, and what is wrong with them."""
    facts = resource.facts
    given = {key: value for key, value in news.items() if key != DEFAULTS and value is not None}
    filled = _defaults(resource, request, olds, given)
    inputs, failures = convert_all({**given, **filled}, facts.inputs, facts.token)
    failures += missing(inputs, facts.inputs, facts.token)
    inputs = _normalise(resource, resource.completed(inputs))
    if not failures:
        wrong = resource.verify(reveal(inputs), reveal(olds))
        failures = [Failure(name, f"{facts.token}: {reason}") for name, reason in wrong.items()]
    return ({**inputs, DEFAULTS: sorted(filled)} if resource.bridged else inputs), failures


def convert_all(
    given: Mapping[str, Any], known: Mapping[str, Property], owner: str
) -> tuple[Properties, list[Failure]]:
    """Each property in its type, and those that are unknown or don't fit."""
    converted: Properties = {}
    failures = []
    for name, value in given.items():
        if name not in known:
            failures.append(Failure(name, f'{owner} has no input "{name}"{_suggestion(name, known)}'))
            continue
        try:
            converted[name] = convert(value, known[name].type, name)
        except Mismatch as mismatch:
            failures.append(Failure(mismatch.path, f'{owner}: "{mismatch.path}" {mismatch}'))
    return converted, failures


def missing(given: Mapping[str, Any], known: Mapping[str, Property], owner: str) -> list[Failure]:
    """The required properties that are not given."""
    return [
        Failure(name, f'{owner} needs the input "{name}", which is missing')
        for name, each in known.items()
        if each.required and name not in given
    ]


def _defaults(
    resource: Resource, request: provider_pb2.CheckRequest, olds: Properties, given: Properties
) -> Properties:
    filled = {name: value for name, value in resource.defaults.items() if name not in given}
    if resource.facts.is_autonamed and "name" not in given and (name := autoname(request, reveal(olds))):
        filled["name"] = name
    return filled


def _normalise(resource: Resource, inputs: Properties) -> Properties:
    normal = dict(inputs)
    for name in resource.lowered & normal.keys():
        normal[name] = _lower(normal[name])
    for name in resource.facts.secrets & normal.keys():
        if normal[name] is not UNKNOWN:
            normal[name] = Secret(reveal(normal[name]))
    return normal


def _lower(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_lower(value.value))
    return value.lower() if isinstance(value, str) else value


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else "; remove it"
