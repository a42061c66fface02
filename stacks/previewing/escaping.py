"""Others' text in a Markdown comment: it may not become markup, mention anybody, or break a table."""

import re
from collections.abc import Sequence

LONGEST = 600
"""Characters of one cell."""
MOST_KEYS = 12

_MARKUP = re.compile(r"([\\`*_\[\]<>|~$&])")
_LINKING = re.compile(r"(@|#|:(?=//)|\bwww(?=\.))")
_BREAK = "\u200b"
"""A space of no width: after it GitHub sees no mention, no number of an issue, no address."""


def text(value: str, longest: int = LONGEST) -> str:
    """On one line, with nothing that Markdown or GitHub would take for its own but code between backticks."""
    parts = _shortened(" ".join(value.split()), longest).split("`")
    if len(parts) % 2 == 0:
        return _escaped("`".join(parts))
    return "".join(code(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(line: str) -> str:
    return _LINKING.sub(rf"\1{_BREAK}", _MARKUP.sub(r"\\\1", line))


def code(value: str) -> str:
    """As code, in a cell of a table, too."""
    line = _shortened(" ".join(value.split()), LONGEST)
    return f"`{line.replace('`', chr(39)).replace('|', chr(92) + '|')}`" if line else ""


def keys(paths: Sequence[str]) -> str:
    """The paths of properties, as code."""
    shown = ", ".join(code(path) for path in paths[:MOST_KEYS])
    left = len(paths) - MOST_KEYS
    return f"{shown} and {left} more" if left > 0 else shown


def block(value: str, longest: int = 3000) -> str:
    """Several lines as they are, in a fence that they can't close."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", value)), default=0))
    return f"{fence}text\n{_shortened(value.strip(), longest)}\n{fence}"


def _shortened(value: str, longest: int) -> str:
    return value if len(value) <= longest else f"{value[: longest - 1]}…"
