"""Between Pulumi's properties (camelCase) and the API's bodies (snake_case), along the types of the facts."""

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.base.facts import PropertyType, snake


def to_api(value: Any, type_: PropertyType) -> Any:
    """A property as the API takes it; absent fields stay absent."""
    if isinstance(type_, list) and isinstance(value, list):
        return [to_api(item, type_[1]) for item in value]
    if isinstance(type_, dict) and isinstance(value, Mapping):
        fields = type_["object"]
        return {snake(key): to_api(item, fields[key]) for key, item in value.items() if item is not None}
    return value


def from_api(value: Any, type_: PropertyType) -> Any:
    """What the API says, as a property. Objects that stand for their slug (regions) become it."""
    if value is None:
        return None
    if isinstance(type_, list) and isinstance(value, list):
        return [from_api(item, type_[1]) for item in value]
    if isinstance(type_, dict) and isinstance(value, Mapping):
        return {
            key: from_api(value[snake(key)], inner)
            for key, inner in type_["object"].items()
            if value.get(snake(key)) is not None
        }
    if type_ == "string":
        return _string(value)
    return value


def _string(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get("slug")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def present(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what isn't given."""
    return {key: value for key, value in body.items() if value is not None}
