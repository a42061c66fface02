"""What goes into the state of a resource, and what a reading of it says about its inputs."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.diffs import canonical
from toolchain.plugins.base.naming import DEFAULTS
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import UNKNOWN, Properties, Secret, conceal, reveal, secret_keys


def digested(resource: Resource, inputs: Mapping[str, Any]) -> Properties:
    """The inputs as the state keeps them."""
    kept = {key: value for key, value in inputs.items() if key != DEFAULTS}
    for name in resource.digests.keys() & kept.keys():
        kept[name] = _digest(resource, name, kept[name])
    return kept


def _digest(resource: Resource, name: str, value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_digest(resource, name, value.value))
    return resource.digests[name](value) if isinstance(value, str) else value


def planned(resource: Resource, inputs: Properties) -> Properties:
    """The state of a thing that a preview would make: what only the API can tell is unknown."""
    untold = dict.fromkeys([*resource.facts.computed, *resource.kept], UNKNOWN)
    return protected(resource, {**untold, **digested(resource, inputs)}, inputs)


def replanned(resource: Resource, state: Properties, inputs: Properties) -> Properties:
    """The state of a thing that a preview would change."""
    untold = {} if resource.bridged else dict.fromkeys(resource.facts.computed, UNKNOWN)
    planned = {**carried(resource, state), **untold, **digested(resource, inputs)}
    return protected(resource, planned, inputs, state)


def carried(resource: Resource, state: Mapping[str, Any]) -> Properties:
    """What outlives an update: everything but inputs that the program no longer gives."""
    return {
        key: value for key, value in state.items() if key not in resource.facts.inputs or key in resource.kept
    }


def protected(resource: Resource, state: Mapping[str, Any], *sources: Mapping[str, Any]) -> Properties:
    """The state, with what is secret by the facts, or came in as a secret, wrapped as one."""
    present = {key: value for key, value in state.items() if value is not None}
    return conceal(present, resource.facts.secrets | secret_keys(present, *sources))


def inputs_of(resource: Resource, state: Properties, old_inputs: Properties, *, imported: bool) -> Properties:
    """The inputs that a program must have for this state.

    On import: every input that has a value. On refresh: the inputs of old, with what has drifted changed.
    """
    plain = reveal(state)
    if imported:
        found = {
            name: plain[name]
            for name in resource.facts.inputs
            if name not in resource.digests and canonical(plain.get(name)) is not None
        }
        return {**conceal(found, resource.facts.secrets), DEFAULTS: []}
    return {name: _refreshed(resource, name, value, plain) for name, value in old_inputs.items()}


def _refreshed(resource: Resource, name: str, old: Any, state: Mapping[str, Any]) -> Any:
    if name not in resource.facts.inputs or name in resource.digests or state.get(name) is None:
        return old
    now, before = state[name], reveal(old)
    if canonical(now) == canonical(before) or resource.same(name, now, before):
        return old
    return Secret(now) if isinstance(old, Secret) else now
