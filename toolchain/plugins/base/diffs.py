"""Diff: what a change of inputs does to a thing that exists, as the official provider decides it.

The state is what is compared, not the earlier inputs: so a drift that a refresh found is a difference.
Of a bridged provider, zero values (false, 0, empty) count as absent and lists as sets, as there.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.base.assets import by_contents
from toolchain.plugins.base.naming import DEFAULTS
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import UNKNOWN, Properties, is_unknown, reveal


@dataclass(frozen=True)
class Change:
    """One input that differs."""

    name: str
    kind: str
    """`add`, `update` or `delete`."""
    replaces: bool


@dataclass(frozen=True)
class Difference:
    """All that differs."""

    changes: tuple[Change, ...]
    deletes_before_replace: bool

    @property
    def replaces(self) -> bool:
        return any(change.replaces for change in self.changes)


def diff(
    resource: Resource,
    state: Properties,
    old_inputs: Properties,
    news: Properties,
    ignored: Iterable[str] = (),
) -> Difference:
    """The changes from the state (or, where it doesn't say, from the old inputs) to the new inputs."""
    old = {**reveal(old_inputs), **{key: value for key, value in reveal(state).items() if value is not None}}
    new = reveal(news)
    skipped = {path.split(".")[0].split("[")[0] for path in ignored}
    changes = tuple(
        change
        for name in resource.facts.inputs
        if name not in skipped and (change := _change(resource, name, old.get(name), new.get(name)))
    )
    if reason := resource.outdated(old, new):
        changes += (Change(reason, "update", replaces=True),)
    first = resource.deletes_before_replace or _keeps_its_name(resource, old, new)
    return Difference(changes, first and any(change.replaces for change in changes))


def _change(resource: Resource, name: str, old: Any, new: Any) -> Change | None:
    if not is_unknown(new):
        if new is None and name in resource.kept:
            return None
        if _same(resource, name, old, new):
            return None
    before, after = (canonical(old), canonical(new)) if resource.bridged else (old, new)
    kind = "add" if before is None else "delete" if after is None else "update"
    return Change(name, kind, resource.replaces(name, old, new))


def _same(resource: Resource, name: str, old: Any, new: Any) -> bool:
    if not resource.bridged:
        return bool(by_contents(old) == by_contents(new))
    before, after = canonical(old), canonical(new)
    if resource.nested_computed and isinstance(new, list) and isinstance(old, list):
        before = canonical([_without(item, resource.nested_computed, unless_in=new) for item in old])
    if before == after:
        return True
    digest = resource.digests.get(name)
    if digest and isinstance(new, str) and old == digest(new):
        return True
    return resource.same(name, old, new)


def _without(item: Any, fields: frozenset[str], *, unless_in: list[Any]) -> Any:
    if not isinstance(item, Mapping):
        return item
    said = {key for other in unless_in if isinstance(other, Mapping) for key in other}
    return {key: value for key, value in item.items() if key not in fields or key in said}


def canonical(value: Any) -> Any:
    """A form in which equal meanings are equal: None for every zero value, lists sorted."""
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, Mapping):
        fields = {key: canonical(item) for key, item in value.items() if key != DEFAULTS}
        return {key: item for key, item in fields.items() if item is not None} or None
    if isinstance(value, list):
        return (
            sorted(map(canonical, value), key=lambda item: json.dumps(item, sort_keys=True, default=repr))
            or None
        )
    return value or None


def _keeps_its_name(resource: Resource, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Two things can't bear one name: a name that the program gave, and keeps, makes the old one go first."""
    given = "name" in new and "name" not in (new.get(DEFAULTS) or ())
    return resource.facts.is_autonamed and given and old.get("name") == new["name"]
