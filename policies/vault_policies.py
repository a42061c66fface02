"""The vault's policies, read strictly: paths and capabilities, and nothing else that its language has.

A small reader and no parser of HCL: what it doesn't know, a parser would let pass.
"""

import re

_PATH = re.compile(r'\s*path\s+"(?P<path>[^"\s]+)"\s*\{\s*capabilities\s*=\s*\[(?P<rights>[^\]]*)\]\s*\}')
_RIGHTS = re.compile(r'\s*"(?P<right>[a-z]+)"\s*(?:,|$)')


def rights_of(text: str) -> list[tuple[str, set[str]]] | None:
    """The capabilities by path, in the text's order; None for a text that has anything else in it."""
    found: list[tuple[str, set[str]]] = []
    position = 0
    while position < len(text.rstrip()):
        block = _PATH.match(text, position)
        rights = _words(block["rights"]) if block else None
        if block is None or rights is None:
            return None
        found.append((block["path"], rights))
        position = block.end()
    return found


def _words(text: str) -> set[str] | None:
    found: set[str] = set()
    position = 0
    while position < len(text):
        word = _RIGHTS.match(text, position)
        if word is None:
            return None
        found.add(word["right"])
        position = word.end()
    return found
