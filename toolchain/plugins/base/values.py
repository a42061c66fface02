"""Property values as the engine sends them: plain JSON, unknowns and secrets.

The signatures are Pulumi's own wire format (sdk/go/common/resource/plugin: rpc.go).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"  # pragma: allowlist secret
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # pragma: allowlist secret
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"  # pragma: allowlist secret
UNKNOWN_MARK: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_MARKS: Final = frozenset(
    {
        UNKNOWN_MARK,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """A value that the engine will know only after an update. There is one: `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

Properties = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """A value that must stay encrypted in the state; its representation hides it."""

    value: Any = field(repr=False)


def decode(struct: Struct) -> Properties:
    """The properties in a message, with whole numbers as int, `Secret` and `UNKNOWN` in their places."""
    plain = json_format.MessageToDict(struct)
    return {key: _decode(value) for key, value in plain.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_MARKS else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        return _decode_object(value)
    return value


def _decode_object(value: Mapping[str, Any]) -> Any:
    match value.get(SIGNATURE):
        case mark if mark == SECRET:
            return Secret(_decode(value.get("value")))
        case mark if mark == OUTPUT:
            inner = _decode(value["value"]) if "value" in value else UNKNOWN
            return Secret(inner) if value.get("secret") else inner
        case _:
            return {key: _decode(item) for key, item in value.items()}


def encode(properties: Mapping[str, Any]) -> Struct:
    """The message for these properties: the inverse of `decode`."""
    struct = Struct()
    struct.update({key: _encode(value) for key, value in properties.items()})
    return struct


def _encode(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_MARK
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _encode(value.value)}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    return value


def reveal(value: Any) -> Any:
    """The value without any `Secret` around or inside it."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def is_secret(value: Any) -> bool:
    """Whether the value is a `Secret` or has one anywhere inside it."""
    if isinstance(value, Mapping):
        return any(is_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(is_secret(item) for item in value)
    return isinstance(value, Secret)


def is_unknown(value: Any) -> bool:
    """Whether the value is unknown, or has an unknown anywhere inside it."""
    if isinstance(value, Secret):
        return is_unknown(value.value)
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return value is UNKNOWN


def secret_keys(*properties: Mapping[str, Any]) -> set[str]:
    """The names of the properties that hold a secret in any of the given maps."""
    return {key for each in properties for key, value in each.items() if is_secret(value)}


def conceal(properties: Mapping[str, Any], keys: set[str]) -> Properties:
    """The properties with each of the named ones wrapped, whole, as one secret."""
    return {
        key: Secret(reveal(value)) if key in keys and value is not None else value
        for key, value in properties.items()
    }
