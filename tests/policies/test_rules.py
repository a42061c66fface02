"""Every rule: something passes, something violates, and nothing that isn't known lets anything through."""

import pytest
from all_cases import CASES
from judge import judge
from rule_case import Case

from policies.rules import RULES


def named(case: Case) -> str:
    return case.rule.name


def test_every_rule_has_its_cases() -> None:
    assert sorted(rule.name for rule in RULES) == sorted(map(named, CASES)), "one case a rule"
    for case in CASES:
        assert case.passes, f"{named(case)} is never seen to pass"
        assert case.violates, f"{named(case)} is never seen to be violated"
        assert case.unknown, f"{named(case)} is never tried with an unknown value"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_keeps_the_rule_passes(case: Case) -> None:
    for example in case.passes:
        assert judge(case.rule, example, case.config) == [], f"{example} keeps it"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_breaks_the_rule_is_named(case: Case) -> None:
    for example in case.violates:
        assert judge(case.rule, example, case.config), f"{example} breaks it"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_an_unknown_value_is_decided_and_never_stops_the_rule(case: Case) -> None:
    for example, accepted in case.unknown:
        said = judge(case.rule, example, case.config)
        assert (said == []) is accepted, f"{example}: {said}"
