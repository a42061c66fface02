"""`filters` and `sorts` of the functions that list."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import camel
from toolchain.plugins.base.values import Properties

MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "exact": lambda value, wanted: value == wanted,
    "substring": lambda value, wanted: wanted in value,
    "re": lambda value, wanted: re.search(wanted, value) is not None,
}


def chosen(things: list[Properties], arguments: Mapping[str, Any]) -> list[Properties]:
    """The things that pass every filter, in the order of the sorts. ProviderError: an unknown match."""
    passing = [
        thing for thing in things if all(_passes(thing, each) for each in arguments.get("filters") or [])
    ]
    for sort in reversed(arguments.get("sorts") or []):
        key = camel(sort["key"])
        passing.sort(
            key=lambda thing, key=key: (thing.get(key) is None, thing.get(key)),  # type: ignore[misc]
            reverse=sort.get("direction", "asc") == "desc",
        )
    return passing


def _passes(thing: Properties, rule: Mapping[str, Any]) -> bool:
    how = rule.get("matchBy") or "exact"
    if how not in MATCHES:
        raise ProviderError(f'a filter can\'t match by "{how}"; it can by {", ".join(MATCHES)}')
    found = thing.get(camel(rule["key"]))
    values = [_text(each) for each in (found if isinstance(found, list) else [found])]
    hits = [any(MATCHES[how](value, str(wanted)) for value in values) for wanted in rule["values"]]
    return all(hits) if rule.get("all") else any(hits)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
