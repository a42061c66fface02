"""Values against the types of the facts: conversion as Terraform does it, and what does not fit."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolchain.plugins.base.facts import PropertyType
from toolchain.plugins.base.values import UNKNOWN, Secret


class Mismatch(ValueError):  # noqa: N818 - what it is
    """A value that isn't of its type: `path` inside the property, and why. Never quotes the value."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def convert(value: Any, type_: PropertyType, path: str) -> Any:
    """The value in its type, where that loses nothing (`"3"` for an integer). Raises Mismatch.

    Unknowns pass. Secrets stay secrets.
    """
    if value is None or value is UNKNOWN:
        return value
    if isinstance(value, Secret):
        return Secret(convert(value.value, type_, path))
    if isinstance(type_, list):
        return _convert_collection(value, type_, path)
    if isinstance(type_, dict):
        return dict(_convert_object(value, type_, path))
    return _convert_scalar(value, type_, path)


def _convert_collection(value: Any, type_: list[Any], path: str) -> Any:
    kind, inner = type_
    if kind == "list":
        if not isinstance(value, list):
            raise Mismatch(path, f"expected a list, got {_kind(value)}")
        return [convert(item, inner, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        raise Mismatch(path, f"expected a map, got {_kind(value)}")
    return {key: convert(item, inner, f"{path}.{key}") for key, item in value.items()}


def _convert_object(value: Any, type_: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise Mismatch(path, f"expected an object, got {_kind(value)}")
    fields = type_["object"]
    for name in type_["required"]:
        if value.get(name) is None:
            raise Mismatch(f"{path}.{name}", "is required and missing")
    for name, item in value.items():
        if name == "__defaults":
            continue
        if name not in fields:
            raise Mismatch(f"{path}.{name}", f"is not known; known are: {', '.join(sorted(fields))}")
        yield name, convert(item, fields[name], f"{path}.{name}")


def _convert_scalar(value: Any, type_: str, path: str) -> Any:
    wrong = Mismatch(path, f"expected {_article(type_)}, got {_kind(value)}")
    match type_:
        case "string":
            return _string(value, wrong)
        case "boolean":
            return _boolean(value, wrong)
        case "integer" | "number":
            return _number(value, wrong, whole=type_ == "integer")
        case _:
            return value


def _string(value: Any, wrong: Mismatch) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise wrong


def _boolean(value: Any, wrong: Mismatch) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise wrong


def _number(value: Any, wrong: Mismatch, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong
    try:
        number = float(value)
        exact = int(value) if isinstance(value, int) or number.is_integer() else number
    except (ValueError, OverflowError):
        raise wrong from None
    if whole and not isinstance(exact, int):
        raise wrong
    return exact


def _article(type_: str) -> str:
    return {"integer": "an integer"}.get(type_, f"a {type_}")


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", str: "a string", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")
