"""`python -m policies.document`: writes a page for each rule, docs/policies/<rule>.md, and their list.

Everything on a page is the rule's own. In docs/policies.md only the list, between its marks, is written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from policies.rule import EVERY_TYPE, ResourceRule, Rule, Setting, Theme
from policies.rules import RULES

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "policies.md"
PAGES = DOCUMENT.with_suffix("")
BEGIN, END = "<!-- the rules, from policies/ -->\n", "<!-- end of the rules -->\n"

NOTE = "<!-- written by `python -m policies.document`, from the rule: change it there -->"
CONFIG = "policies-config.json"
LONGEST = 60
"""Characters of a default that still stand in a line."""


def page(rule: Rule) -> str:
    """Everything that a person needs to know of a rule."""
    return "\n".join(
        [
            f"# {rule.name}",
            "",
            NOTE,
            "",
            f"**{rule.title}**",
            "",
            "| | |",
            "| --- | --- |",
            *(f"| {name} | {cell} |" for name, cell in _facts(rule)),
            "",
            *_section("Why", rule.why),
            *_section("What to do", rule.remediation),
            *_section("What a preview doesn't know", _sentence(rule.unknowns)),
            *_settings(rule),
            "[All rules](../policies.md)",
            "",
        ]
    )


def _facts(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "theme", rule.theme.value
    yield "severity", rule.severity.value
    yield "controls", "<br>".join(map(str, rule.controls))
    if isinstance(rule, ResourceRule):
        yield "judges", "<br>".join(map(_type, rule.types))
        yield "when", "at every preview, and at an update before each of these resources is made or changed"
        yield "mends", "yes: what is wrong is set right, and the preview says so" if rule.mend else "no"
    else:
        yield "judges", "all resources of a stack, together"
        yield (
            "when",
            "at the end of every preview and update; `stacks.up` begins with a preview, so it prevents",
        )
        yield "mends", "no"


def _type(token: str) -> str:
    if token == EVERY_TYPE:
        return "every resource"
    return f"every resource of `{token.rstrip(':')}`" if token.endswith(":") else f"`{token}`"


def _section(title: str, text: str) -> Sequence[str]:
    return (f"## {title}", "", text, "")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _settings(rule: Rule) -> Iterator[str]:
    if not rule.settings:
        return
    yield from ("## Settings", "", f"Given in `{CONFIG}`, below `{rule.name}`.", "")
    for name, setting in rule.settings.items():
        yield from (f"### `{name}`", "", setting.description, "")
        yield from _values(setting)


def _values(setting: Setting) -> Iterator[str]:
    for title, value in (("schema", setting.schema), ("default", setting.default)):
        line = json.dumps(value, ensure_ascii=False)
        if len(line) <= LONGEST:
            yield f"- {title}: `{line}`"
        else:
            yield from (f"- {title}:", "", "  ```json", *_indented(value), "  ```")
    yield ""


def _indented(value: object) -> Iterator[str]:
    return (f"  {line}" for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines())


def as_list(rules: Iterable[Rule] = RULES) -> str:
    """The rules by theme, each with a link to its page."""
    ordered = tuple(rules)
    return "\n".join(line for theme in Theme for line in _of_theme(theme, ordered)) + "\n"


def _of_theme(theme: Theme, rules: Sequence[Rule]) -> Iterator[str]:
    own = [rule for rule in rules if rule.theme == theme]
    if not own:
        return
    yield from (
        f"### {theme.value.capitalize()}",
        "",
        "| rule | what holds | severity |",
        "| --- | --- | --- |",
    )
    for rule in own:
        yield f"| [{rule.name}](policies/{rule.name}.md) | {rule.title} | {rule.severity.value} |"
    yield ""


def with_list(document: str) -> str:
    """The document with today's list. Raises ValueError when a mark is missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = (
            f"{DOCUMENT} has lost a mark; put {BEGIN.strip()!r} before the list and {END.strip()!r} after it"
        )
        raise ValueError(msg)
    return f"{before}{BEGIN}\n{as_list()}{END}{after}"


def pages(rules: Iterable[Rule] = RULES) -> Mapping[str, str]:
    """Each page by the name of its file."""
    return {f"{rule.name}.md": page(rule) for rule in rules}


def main() -> None:
    """Writes all pages, and takes away those of rules that are gone."""
    wanted = pages()
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (PAGES / name).write_text(text)
    DOCUMENT.write_text(with_list(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
