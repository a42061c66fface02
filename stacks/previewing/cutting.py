"""Sections of a text, the most important first, as many as fit."""

from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 65_536
"""GitHub's limit of a comment, in characters; counted in bytes here, which are never fewer."""

CUT = "*Cut: a comment holds no more. The whole is in the JSON that `python -m stacks.preview` writes.*"


@dataclass(frozen=True, kw_only=True)
class Section:
    """Lines that belong together: of `rows`, as many are kept as fit; `head` and `tail` go with them."""

    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()

    def text(self, rows: int | None = None) -> str:
        """With the first so many rows; without a number, all of them."""
        return "\n".join((*self.head, *self.rows[:rows], *self.tail))


def joined(sections: Iterable[Section], limit: int = LIMIT) -> str:
    """The sections with an empty line between them, cut with a note where they are too long."""
    whole = tuple(sections)
    text = "\n\n".join(section.text() for section in whole) + "\n"
    if _size(text) <= limit:
        return text
    kept: list[str] = []
    left = limit - _size(CUT) - 1
    for section in whole:
        rows = _fitting(section, left - 2)
        if rows is None:
            break
        kept.append(section.text(rows))
        left -= _size(kept[-1]) + 2
        if rows < len(section.rows):
            break
    return "\n\n".join((*kept, CUT)) + "\n"


def _fitting(section: Section, left: int) -> int | None:
    """How many rows fit; None when not even one does, or the whole of a section that has none."""
    left -= _size(section.text(0))
    if left < 0:
        return None
    for count, row in enumerate(section.rows):
        left -= _size(row) + 1
        if left < 0:
            return count or None
    return len(section.rows)


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
