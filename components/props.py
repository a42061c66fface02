"""A component's arguments as the properties that the engine records for it."""

from dataclasses import fields, is_dataclass
from typing import Any


def props(args: Any) -> dict[str, Any]:
    """The fields of a dataclass of arguments, nested dataclasses included, Outputs untouched.

    Resources among them (what a component comes after) are ordering, not properties, and are left out: mark
    such a field with `metadata={"ordering": True}`.
    """
    return {
        field.name: _plain(getattr(args, field.name))
        for field in fields(args)
        if not field.metadata.get("ordering")
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return props(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
