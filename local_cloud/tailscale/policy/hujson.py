"""HuJSON, JSON with comments and trailing commas, in which policy files are written.

No JSON5 parser: it would also take unquoted names, single quotes and hexadecimal numbers, which Tailscale
refuses. What HuJSON adds becomes spaces, as in Tailscale's own `hujson.Standardize`, and the standard library
reads the rest, so that every line and column stays where the author knows it.
"""

import json
import re
from typing import Any

from local_cloud.tailscale.policy.errors import PolicyError

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=\s*[\]}}])", re.DOTALL)
_BETWEEN = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()


def parse(text: str) -> Any:
    """The value. Raises PolicyError with line and column, also for a name that an object has twice."""
    try:
        return json.loads(standardized(text), object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise PolicyError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise PolicyError("the file is nested too deeply to be a policy file") from error


def standardized(text: str) -> str:
    """Plain JSON of the same length, each of its values at the same place."""
    plain = _COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else _blank(match[0]), text)

    def without(match: re.Match[str]) -> str:
        return " " if match[0] == "," and _follows_a_value(plain, match.start()) else match[0]

    return _TRAILING_COMMA.sub(without, plain)


def element_lines(text: str, name: str) -> list[int]:
    """The line of each element of the array that the outermost object has under `name`, in any case."""
    plain = standardized(text)
    at = _skipped(plain, plain.index("{") + 1)
    while plain[at] != "}":
        found, at = _DECODER.raw_decode(plain, at)
        at = _skipped(plain, at)
        if found.lower() == name.lower() and plain[at] == "[":
            return _lines_of(plain, _skipped(plain, at + 1))
        _, at = _DECODER.raw_decode(plain, at)
        at = _skipped(plain, at)
    return []


def _follows_a_value(plain: str, at: int) -> bool:
    before = at - 1
    while before >= 0 and plain[before].isspace():
        before -= 1
    return before >= 0 and plain[before] not in "[{,:"


def _lines_of(plain: str, at: int) -> list[int]:
    lines = []
    while plain[at] != "]":
        lines.append(plain.count("\n", 0, at) + 1)
        _, at = _DECODER.raw_decode(plain, at)
        at = _skipped(plain, at)
    return lines


def _skipped(plain: str, at: int) -> int:
    found = _BETWEEN.match(plain, at)
    return found.end() if found else at


def _blank(comment: str) -> str:
    return re.sub(r"[^\n]", " ", comment)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise PolicyError(f'duplicate name "{name}": merge the two, or only one of them would count')
        found[name] = value
    return found


def _constant(name: str) -> None:
    raise PolicyError(f"{name} is no JSON number")
