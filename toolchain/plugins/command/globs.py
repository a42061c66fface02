"""The files that globs choose after a command: `*` stops at `/`, `**` doesn't, `!` takes files away again."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolchain.plugins.base.assets import file_asset
from toolchain.plugins.base.values import Properties


def assets(folder: Path, globs: Sequence[str]) -> dict[str, Properties]:
    """The chosen files below the folder as assets, by their paths in it. Rules count in their order."""
    rules = [(glob.startswith("!"), re.compile(pattern(glob.removeprefix("!")))) for glob in globs]
    return {name: file_asset(folder / name) for name in sorted(_files(folder)) if _is_chosen(name, rules)}


def _files(folder: Path) -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _is_chosen(name: str, rules: Sequence[tuple[bool, re.Pattern[str]]]) -> bool:
    matching = [excludes for excludes, rule in rules if rule.fullmatch(name)]
    return bool(matching) and not matching[-1]


def pattern(glob: str) -> str:
    r"""The glob as a regular expression: of `*`, `**`, `?`, `[abc]`, `[!abc]`, `{one,two}` and `\*`."""
    pieces = re.split(r"(\{[^{}]*\})", glob)
    return "".join(_alternatives(piece) if piece.startswith("{") else _translated(piece) for piece in pieces)


def _alternatives(piece: str) -> str:
    return f"(?:{'|'.join(map(_translated, piece.strip('{}').split(',')))})"


def _translated(piece: str) -> str:
    return re.sub(r"\*+|\?|\[[^]]*\]|\\?.", _token, piece)


def _token(match: re.Match[str]) -> str:
    token = match[0]
    match token[0]:
        case "*":
            return "[^/]*" if token == "*" else ".*"
        case "?":
            return "[^/]"
        case "[" if len(token) > 1:
            return f"[{re.sub('^!', '^', token[1:-1])}]"
        case _:
            return re.escape(token[-1])
