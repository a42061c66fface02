"""HuJSON is JSON with comments and trailing commas, and nothing more."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import json5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.tailscale.policy.errors import PolicyError
from local_cloud.tailscale.policy.hujson import element_lines, parse, standardized

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FILLING = st.sampled_from(["", " ", "\n", '// it\'s "so", [1]\n', "/* {a: ','} */", "/*\n*/", "//\n"])


COMMAS = st.booleans()


def written(value: Any, draw: Callable[..., Any]) -> str:
    """The value with comments and trailing commas wherever HuJSON lets them be."""

    def between() -> str:
        return str(draw(FILLING))

    def joined(parts: list[str], first: str, last: str) -> str:
        trailing = "," if parts and draw(COMMAS) else ""
        return first + between() + ",".join(parts) + trailing + between() + last

    if isinstance(value, list):
        return joined([between() + written(part, draw) + between() for part in value], "[", "]")
    if isinstance(value, dict):
        pairs = [
            f"{between()}{json.dumps(name, ensure_ascii=False)}{between()}:"
            f"{between()}{written(part, draw)}{between()}"
            for name, part in value.items()
        ]
        return joined(pairs, "{", "}")
    return json.dumps(value, ensure_ascii=False)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Any, str]:
    value = draw(VALUES)
    return value, written(value, draw)


@given(documents())
def test_what_is_written_is_read(document: tuple[Any, str]) -> None:
    value, text = document
    assert parse(text) == value
    assert json5.loads(text) == value, "JSON5, of which HuJSON is a part, agrees"


@given(documents())
def test_every_value_stays_at_its_place(document: tuple[Any, str]) -> None:
    _, text = document
    plain = standardized(text)
    assert len(plain) == len(text)
    assert [at for at, character in enumerate(plain) if character == "\n"] == [
        at for at, character in enumerate(text) if character == "\n"
    ], "and no line is lost"


@given(st.text(alphabet='[]{}",:/*\\ \n1a'))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    with suppress(PolicyError):
        assert parse(text) == json.loads(standardized(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{a: 1}", "line 1, column 2"),
        ("{'a': 1}", "line 1, column 2"),
        ('{"a": 0x10}', "line 1, column 8"),
        ('{"a": +1}', "line 1, column 7"),
        ("[,]", "line 1, column 2"),
        ("[1,,]", "line 1, column 4"),
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3"),
        ('{"a": 1 /* open }', "line 1"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1, "a": 2}', 'duplicate name "a"'),
        ("", "line 1, column 1"),
        ("[" * 100_000, "nested"),
    ],
)
def test_what_only_json5_has_is_refused_at_its_place(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(text)
    assert reason in str(refused.value)


def test_comment_signs_in_strings_are_no_comments() -> None:
    assert parse('{"url": "https://a/*b*/", "q": "\\"//,]"}') == {"url": "https://a/*b*/", "q": '"//,]'}


def test_the_lines_of_rules_are_found() -> None:
    text = '// a\n{\n "hosts": {"acls": [1]},\n "ACLs": [ // x\n  {"a": 1},\n\n  {"b": [2]},],\n}'
    assert element_lines(text, "acls") == [5, 7]
    assert element_lines(text, "grants") == []
    assert element_lines("{}", "acls") == []
