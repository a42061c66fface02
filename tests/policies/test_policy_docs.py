"""The pages of rules say what the rules are."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from policies import document
from policies.rule import Rule, Severity, Theme
from policies.rules import RULES

MEND = "write them again: `python -m policies.document`"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rules_page_says_what_the_rule_is(rule: Rule) -> None:
    path = document.PAGES / f"{rule.name}.md"
    assert path.exists(), f"{rule.name} has no page; {MEND}"
    assert path.read_text() == document.page(rule), f"{rule.name} isn't what its page says; {MEND}"


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    left = {path.name for path in document.PAGES.iterdir()} - set(document.pages())
    assert not left, f"pages of rules that aren't there; {MEND}"


def test_the_list_has_the_rules_as_they_are() -> None:
    text = document.DOCUMENT.read_text()
    assert document.with_list(text) == text, f"docs/policies.md differs from the rules; {MEND}"


def test_the_list_has_every_rule_once() -> None:
    listed = document.as_list()
    for rule in RULES:
        assert listed.count(f"(policies/{rule.name}.md)") == 1, f"{rule.name} belongs to one theme"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_page_has_everything_of_its_rule(rule: Rule) -> None:
    page = document.page(rule)
    assert all(text in page for text in (rule.title, rule.why, rule.remediation)), "in the rule's own words"
    assert all(str(control) in page for control in rule.controls), "every framework that asks for it"
    for name, setting in rule.settings.items():
        assert f"### `{name}`" in page, f"the setting {name}"
        assert setting.description in page, f"what {name} is"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_text_of_a_rule_breaks_a_table(rule: Rule) -> None:
    assert "|" not in rule.title, "it stands in a cell"
    assert "\n" not in rule.title, "a cell is a line"


def test_a_change_of_a_rule_shows_on_its_page() -> None:
    rule = RULES[0]
    changed = replace(rule, severity=Severity.LOW if rule.severity != Severity.LOW else Severity.HIGH)
    assert document.page(changed) != document.page(rule), "the test of pages would notice"


def test_writing_them_takes_away_what_is_left_and_keeps_what_people_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "DOCUMENT", tmp_path / "policies.md")
    monkeypatch.setattr(document, "PAGES", tmp_path / "policies")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "gone.md").touch()
    (tmp_path / "policies.md").write_text(f"# by hand\n{document.BEGIN}old\n{document.END}and after\n")
    document.main()
    assert {path.name for path in (tmp_path / "policies").iterdir()} == set(document.pages())
    text = (tmp_path / "policies.md").read_text()
    assert text.startswith("# by hand\n"), "the head is people's"
    assert text.endswith(f"{document.END}and after\n"), "and so is the end"
    assert "old" not in text.split(document.BEGIN)[1].split(document.END)[0].split(), "the list is new"


def test_a_document_that_has_lost_a_mark_is_refused_with_the_fix() -> None:
    with pytest.raises(ValueError, match="put '<!-- the rules, from policies/ -->' before the list"):
        document.with_list("# nothing but a head\n")


def test_every_theme_with_rules_has_a_heading() -> None:
    listed = document.as_list()
    for theme in Theme:
        has_rules = any(rule.theme == theme for rule in RULES)
        assert (f"### {theme.value.capitalize()}\n" in listed) == has_rules, f"{theme.value}"


def test_the_settings_that_the_document_shows_exist() -> None:
    example = document.DOCUMENT.read_text().split("```json\n")[1].split("```")[0]
    known = {rule.name: rule.settings for rule in RULES}
    for rule, settings in json.loads(example).items():
        assert settings.keys() <= known[rule].keys(), f"the example's {rule}"
