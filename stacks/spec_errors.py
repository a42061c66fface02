"""Errors of a spec, as a person who wrote it needs them: the field, the value, and what to write instead."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from stacks.errors import StacksError
from stacks.redaction import Redactor

UNSAID = "(not shown)"
"""Stands for a value that may be a secret somebody put in the wrong place."""

_UNSHOWN_TYPES = frozenset({"extra_forbidden", "missing"})
_UNSHOWN_FIELDS = frozenset({"ssh_keys"})
_LONGEST_VALUE = 80

_FIXES = {
    "missing": "add this field",
    "literal_error": "choose one of {expected}",
    "tuple_type": "write a list",
    "string_pattern_mismatch": "write it so that it matches {pattern}",
    "value_error": "{error}",
    "refused": "{fix}",
}
"""By pydantic's type of error; others have a message of pydantic's that will do."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong: `field` is a path such as `agents[0].size`."""

    field: str
    value: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: got {self.value}; {self.fix}"


class SpecError(StacksError):
    """A spec is refused, and nothing was created; the message has a line for each problem."""

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(Redactor()(f"{subject} is refused:{lines}"))


def explained(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Pydantic's errors as problems; values that may be secret are left out."""
    return [_problem(item, model) for item in error.errors(include_url=False)]


def suggestion(value: str, known: Iterable[str], *, kind: str) -> str:
    """How to correct a word that is none of the `known` ones."""
    known = sorted(known)
    if close := difflib.get_close_matches(value, known, n=3, cutoff=0.5):
        return f"no such {kind}; did you mean {', '.join(close)}?"
    return f"no such {kind}; there are {', '.join(known) or 'none'}"


def _problem(item: Any, model: type[BaseModel]) -> Problem:
    location: tuple[str | int, ...] = item["loc"]
    return Problem(field=_path(location), value=_value(item, location), fix=_fix(item, location, model))


def _path(location: Sequence[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.lstrip(".") or "spec"


def _value(item: Any, location: Sequence[str | int]) -> str:
    if item["type"] == "missing":
        return "nothing"
    if item["type"] in _UNSHOWN_TYPES or _UNSHOWN_FIELDS.intersection(location):
        return UNSAID
    if got := item.get("ctx", {}).get("got"):
        return str(got)
    value = item["input"]
    if isinstance(value, list | tuple | dict | set):
        return f"{len(value)} entries"
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _fix(item: Any, location: Sequence[str | int], model: type[BaseModel]) -> str:
    if item["type"] == "extra_forbidden":
        return suggestion(str(location[-1]), _fields_at(location, model), kind="field")
    template = _FIXES.get(item["type"])
    if template:
        return template.format(**item.get("ctx", {}))
    message: str = item["msg"]
    return f"{message[:1].lower()}{message[1:]}"


def _fields_at(location: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The fields that the model knows at the place of an unknown one."""
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        inner = _model_in(model.model_fields[part].annotation)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)
