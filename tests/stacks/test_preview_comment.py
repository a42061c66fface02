"""The comment, held against golden files; `TENANTRY_GOLDEN=write pytest …` writes them anew, to be read."""

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from stacks.events import Remediated, Violation
from stacks.previewing import escaping
from stacks.previewing.changes import Action, Change
from stacks.previewing.cost import Cost
from stacks.previewing.cutting import CUT, LIMIT, Section, joined
from stacks.previewing.document import as_data
from stacks.previewing.markdown import MARKER, comment
from stacks.previewing.report import Plan, Report, StackReport, State

GOLDEN = Path(__file__).parent / "golden"

DROPLET = "digitalocean:index/droplet:Droplet"
CLUSTER = "digitalocean:index/databaseCluster:DatabaseCluster"
FIREWALL = "digitalocean:index/firewall:Firewall"
PLAN = Plan(path="acme.json", digest="0f" * 32)


def _urn(kind: str, name: str, stack: str = "acme") -> str:
    return f"urn:pulumi:{stack}::tenantry::tenantry:index:Host${kind}::{name}"


def _change(action: Action, kind: str, name: str, keys: str = "", forcing: str = "") -> Change:
    return Change(
        urn=_urn(kind, name),
        kind=kind,
        action=action,
        keys=tuple(keys.split()),
        forcing=tuple(forcing.split()),
    )


RESIZED = _change(Action.UPDATE, DROPLET, "acme-guardrail-1", keys="size")
ACME = StackReport(
    stack="acme",
    changes=(RESIZED,),
    cost=Cost(before=Decimal(84), after=Decimal(96)),
    plan=PLAN,
)
BROKEN = replace(
    ACME,
    changes=(
        _change(Action.DELETE, CLUSTER, "acme-database-main"),
        _change(Action.REPLACE, DROPLET, "acme-agent-a-1", keys="tags[0]", forcing="image userData"),
        _change(Action.UPDATE, FIREWALL, "acme-firewall-agent", keys="inboundRules[0].sourceAddresses"),
    ),
    violations=(
        Violation(
            policy="droplet-monitored",
            severity="low",
            urn=_urn(DROPLET, "acme-agent-a-1"),
            text="Droplet acme-agent-a-1: monitoring is off",
            enforcement="advisory",
        ),
        Violation(
            policy="firewall-admits-no-world",
            severity="critical",
            urn=_urn(FIREWALL, "acme-firewall-agent"),
            text="`inboundRules[0].sourceAddresses` has | and <b>\nand @someone",
        ),
    ),
    mended=(Remediated(policy="tenant-tagged", urn=_urn(DROPLET, "acme-agent-a-1")),),
    plan=None,
)
INITECH = StackReport(
    stack="initech",
    state=State.NEW,
    changes=(_change(Action.CREATE, DROPLET, "initech-guardrail-1"),),
    cost=Cost(after=Decimal("60.50"), unpriced=("VpcNatGateway initech-network-nat",)),
    plan=replace(PLAN, path="initech.json"),
)

REPORTS = {
    "nothing": Report(base="origin/main", commit="c" * 40, head="d" * 40),
    "mergeable": Report(
        base="origin/main",
        commit="c" * 40,
        head="d" * 40,
        stacks=(StackReport(stack="platform"), ACME, INITECH),
    ),
    "refused": Report(
        base="origin/main",
        commit="c" * 40,
        head="d" * 40,
        stacks=(
            StackReport(stack="platform", failure="the vault is sealed\n```\nunseal it"),
            BROKEN,
            StackReport(stack="hooli", state=State.REMOVED),
        ),
        notes=("Pulumi.platform.yaml changes mesh",),
    ),
}


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_the_comment_is_as_it_was(name: str) -> None:
    path, written = GOLDEN / f"{name}.md", comment(REPORTS[name])
    if os.environ.get("TENANTRY_GOLDEN") == "write":
        path.write_text(written)
    assert written == path.read_text()


def test_violations_come_before_everything_else_the_worst_first() -> None:
    text = comment(REPORTS["refused"])
    places = [
        text.index(part)
        for part in (MARKER, "| critical |", "| low ", "### Data", "**acme**", "vault is sealed", "<details>")
    ]
    assert places == sorted(places)


def test_a_violation_of_a_severity_that_nobody_knows_is_not_made_light_of() -> None:
    odd = Violation(policy="odd", text="can't run policy", severity="")
    report = Report(
        base="b", commit="c", head="d", stacks=(replace(BROKEN, violations=(*BROKEN.violations, odd)),)
    )
    assert next(violation.policy for _, violation in report.violations) == "odd"


@pytest.mark.parametrize(("name", "passed"), [("nothing", True), ("mergeable", True), ("refused", False)])
def test_a_report_says_whether_the_change_may_be_merged(name: str, passed: bool) -> None:  # noqa: FBT001
    assert REPORTS[name].passed is passed
    assert as_data(REPORTS[name])["passed"] is passed


def test_what_is_not_mere_advice_stands_in_the_way_whatever_it_is_called() -> None:
    advised = replace(ACME, violations=(replace(BROKEN.violations[1], enforcement="advisory"),))
    assert advised.passed
    assert not replace(ACME, violations=(replace(BROKEN.violations[1], enforcement="remediate"),)).passed


def test_links_lead_to_the_repository_where_the_comment_is_elsewhere() -> None:
    text = comment(REPORTS["refused"], root="https://github.example/o/r/blob/abc/")
    assert "(https://github.example/o/r/blob/abc/docs/policies/firewall-admits-no-world.md)" in text


@pytest.mark.parametrize("where", ["violation", "mended"])
def test_a_resource_s_type_is_a_branch_s_word_and_no_markup(where: str) -> None:
    urn = "urn:pulumi:acme::tenantry::a:b:x\n\n# may be merged\n\n@team <img src=x>::n"
    stack = (
        replace(ACME, violations=(Violation(policy="rule", urn=urn, text="it is wrong"),))
        if where == "violation"
        else replace(ACME, mended=(Remediated(policy="rule", urn=urn),))
    )
    text = comment(Report(base="b", commit="c", head="d", stacks=(stack,)))
    assert "\n# may be merged" not in text
    assert "@team" not in text
    assert "<img" not in text.replace("\\<img", "")


def test_what_a_stack_exports_is_a_change_too_and_its_name_no_markup() -> None:
    stack = StackReport(stack="platform", exports=("mesh", "<b>@team"))
    assert stack.summary == "exports changed: `mesh`, `<b>@team`"
    data = as_data(Report(base="b", commit="c", head="d", stacks=(stack,)))
    assert data["stacks"]["platform"]["exports"] == ["mesh", "<b>@team"]


def test_a_sum_says_whose_cost_it_lacks() -> None:
    report = Report(base="b", commit="c", head="d", stacks=(StackReport(stack="globex", failure="no"), ACME))
    assert "- all together: $84.00 → $96.00 a month, without globex" in comment(report)
    assert as_data(report)["cost"] == {"before": "84", "after": "96", "unpriced": [], "without": ["globex"]}


def test_a_stack_is_told_in_one_line() -> None:
    assert BROKEN.summary == "1 to update, 1 to replace, 1 to delete; $84.00 → $96.00 a month; 2 rules broken"
    assert StackReport(stack="platform").summary == "no changes"
    assert StackReport(stack="x", failure="no").summary == "the preview failed"


def test_json_has_keys_and_prices_as_exact_texts() -> None:
    data = json.loads(json.dumps(as_data(REPORTS["refused"])))
    acme = data["stacks"]["acme"]
    assert acme["changes"][1]["forcing"] == ["image", "userData"]
    assert acme["cost"] == {"before": "84", "after": "96", "unpriced": []}
    assert acme["violations"][0]["docs"] == "docs/policies/droplet-monitored.md"
    assert data["stacks"]["hooli"]["state"] == "removed"


def _long(violations: int, changes: int) -> Report:
    broken = tuple(
        replace(BROKEN.violations[1], text=f"finding {number} {'x' * 100}") for number in range(violations)
    )
    many = tuple(_change(Action.CREATE, DROPLET, f"host-{number}-{'y' * 60}") for number in range(changes))
    stacks = tuple(
        replace(BROKEN, stack=f"t{number}", violations=broken, changes=many) for number in range(3)
    )
    return Report(base="b", commit="c", head="d", stacks=stacks)


def test_a_comment_that_is_too_long_keeps_violations_and_says_that_it_is_cut() -> None:
    text = comment(_long(60, 600))
    assert len(text.encode()) <= LIMIT
    assert text.rstrip().endswith(CUT)
    assert text.count("finding ") == 180, "violations are what is kept"
    assert text.count("<details>") == text.count("</details>") == 1, "nothing is left open"


def test_even_violations_alone_fit() -> None:
    text = comment(_long(600, 1))
    assert len(text.encode()) <= LIMIT
    assert 100 < text.count("finding ") < 1800
    assert CUT in text


@pytest.mark.parametrize("limit", range(len(CUT.encode()) + 1, 400, 7))
def test_a_cut_text_never_exceeds_its_limit(limit: int) -> None:
    sections = [Section(head=("é" * 9, "head"), rows=("row",) * 40, tail=("tail",)), Section(head=("last",))]
    assert len(joined(sections, limit).encode()) <= limit


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a | b\nc", r"a \| b c"),
        ("<img> `x` [y](z) *w*", r"\<img\> `x` \[y\](z) \*w\*"),
        ("@team #12", "@\u200bteam #\u200b12"),
        ("https://e.example", "https:\u200b//e.example"),
    ],
)
def test_text_of_others_stays_text(given: str, shown: str) -> None:
    assert escaping.text(given) == shown


def test_code_can_t_be_left() -> None:
    assert escaping.code("a`b|c\nd") == "`a'b\\|c d`"
    assert escaping.block("```\nx").startswith("````text\n"), "a longer fence"


def test_many_keys_are_counted() -> None:
    assert escaping.keys([f"k{number}" for number in range(14)]).endswith("`k11` and 2 more")
