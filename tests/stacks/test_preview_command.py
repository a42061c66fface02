"""`python -m stacks.preview`: what it writes and what it ends with. Git is real, the engine a script."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stacks import preview as command
from stacks.preview import InterruptibleEngine, chosen, notes_on, root_of
from stacks.previewing.markdown import MARKER
from stacks.previewing.report import StackReport
from stacks.previewing.touched import Touched
from stacks.project import Project

FAKE = """
import json, sys
words = sys.argv[1:]
if words[:2] == ["stack", "export"]:
    print(json.dumps({"version": 3, "deployment": {"resources": []}}))
else:
    assert words[0] == "preview", words
    policy = json.loads(open(__file__ + ".violation").read())
    for event in policy:
        print(json.dumps(event))
    print(json.dumps({"summaryEvent": {
        "resourceChanges": {}, "durationSeconds": 1, "result": "ok", "PolicyPacks": {"tenantry|local|x": "1"}
    }}))
"""
VIOLATION = {
    "policyEvent": {
        "policyName": "a-rule",
        "message": "what holds\\nDroplet acme-guardrail-1: size. Fix it",
        "enforcementLevel": "mandatory",
        "severity": "critical",
    }
}

Run = Callable[..., int]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    clone.mkdir()
    for name, text in {
        "Pulumi.yaml": "name: tenantry\n",
        "Pulumi.platform.yaml": yaml.safe_dump(
            {"config": {"tenantry:spec": {"tenants": ["acme", "globex"]}}}
        ),
        "Pulumi.acme.yaml": "config: {}\n",
        "Pulumi.globex.yaml": "config: {}\n",
        "addresses.yaml": "ranges: {acme: 10.32.0.0/24}\n",
    }.items():
        (clone / name).write_text(text)
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "one")):
        subprocess.run(("git", "-C", str(clone), *who, *arguments), check=True, capture_output=True)
    return clone


@pytest.fixture
def run(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in the clone, and returns its exit code."""
    project = Project(clone=clone, specs=clone, folder=tmp_path / "project")
    fake = tmp_path / "fake"
    fake.write_text(FAKE)

    def engine(project: Project) -> InterruptibleEngine:
        return InterruptibleEngine(
            project, command=(sys.executable, str(fake)), environment={"PATH": os.environ["PATH"]}
        )

    monkeypatch.setattr(command.Project, "of_environment", lambda: project)
    monkeypatch.setattr(command, "InterruptibleEngine", engine)
    monkeypatch.setattr(command.operations.signal, "signal", lambda *_: None)

    def run(*stacks: str, base: str = "main", since: str | None = None, broken: bool = False) -> int:
        Path(f"{fake}.violation").write_text(json.dumps([VIOLATION] if broken else []))
        out = tmp_path / "out"
        with pytest.raises(SystemExit) as ended:
            command.preview(
                list(stacks),
                base=base,
                since=since,
                json_file=out / "preview.json",
                markdown_file=out / "comment.md",
                plans=out / "plans",
                at_once=2,
            )
        return int(str(ended.value.code))

    return run


def _data(tmp_path: Path) -> dict[str, dict[str, str]]:
    stacks: dict[str, dict[str, str]] = json.loads((tmp_path / "out" / "preview.json").read_text())["stacks"]
    return stacks


def test_a_change_that_touches_nothing_may_be_merged(run: Run, tmp_path: Path) -> None:
    assert run() == 0
    assert "touches no stack" in (tmp_path / "out" / "comment.md").read_text()


def test_the_stacks_that_changed_are_previewed_and_those_that_went_are_named(
    run: Run, clone: Path, tmp_path: Path
) -> None:
    (clone / "Pulumi.acme.yaml").write_text("config: {x: 1}\n")
    (clone / "Pulumi.globex.yaml").unlink()
    assert run() == 0
    assert {stack: data["state"] for stack, data in _data(tmp_path).items()} == {
        "acme": "there",
        "globex": "removed",
    }
    text = (tmp_path / "out" / "comment.md").read_text()
    assert text.startswith(MARKER)
    assert "globex**: spec removed: `stacks.destroy` is a separate step" in text


def test_a_change_of_the_program_touches_all_and_a_broken_rule_ends_with_one(
    run: Run, clone: Path, tmp_path: Path
) -> None:
    (clone / "stacks").mkdir()
    (clone / "stacks" / "program.py").write_text("")
    assert run(broken=True) == 1
    assert list(_data(tmp_path)) == ["platform", "acme", "globex"]
    assert "[a-rule]" in (tmp_path / "out" / "comment.md").read_text()


def test_named_stacks_are_previewed_touched_or_not(run: Run, tmp_path: Path) -> None:
    assert run("globex", "platform") == 0
    assert list(_data(tmp_path)) == ["platform", "globex"]


def test_the_commit_that_the_stacks_are_at_is_compared_with_itself(
    run: Run, clone: Path, tmp_path: Path
) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    (clone / "Pulumi.acme.yaml").write_text("config: {x: 1}\n")
    subprocess.run(("git", "-C", str(clone), *who, "commit", "-qam", "two"), check=True)
    subprocess.run(("git", "-C", str(clone), "checkout", "-q", "HEAD~1"), check=True, capture_output=True)
    assert run(base="main") == 0
    assert not _data(tmp_path), "main has not been left"
    assert run(since="main") == 0
    assert list(_data(tmp_path)) == ["acme"], "a way back is a change too"
    assert run(since="0" * 40) == 2


@pytest.mark.parametrize("second", ["refused", "misused"])
def test_what_an_earlier_run_wrote_is_gone_whatever_becomes_of_this_one(
    run: Run, tmp_path: Path, second: str
) -> None:
    plan = tmp_path / "out" / "plans" / "hooli.json"
    assert run("acme") == 0
    plan.write_text("the plan of a stack that is not touched any more")
    assert run("acme", base="main" if second == "refused" else "nowhere", broken=True) != 0
    assert not list(plan.parent.iterdir())
    assert (tmp_path / "out" / "comment.md").exists() is (second == "refused")


def test_a_note_says_that_tenants_read_what_the_platform_would_export_otherwise() -> None:
    assert notes_on([StackReport(stack="acme", exports=("mesh",)), StackReport(stack="platform")]) == ()
    (note,) = notes_on([StackReport(stack="platform", exports=("mesh", "tenants"))])
    assert "another mesh, which tenants read" in note


@pytest.mark.parametrize(("stacks", "base"), [(("hooli",), "main"), ((), "origin/nowhere")])
def test_a_stack_or_a_base_that_is_not_there_is_bad_usage(
    run: Run, capsys: pytest.CaptureFixture[str], stacks: tuple[str, ...], base: str
) -> None:
    assert run(*stacks, base=base) == 2
    said = capsys.readouterr().err
    assert "nothing was previewed" in said
    assert (stacks[0] if stacks else base) in said


def test_a_named_stack_whose_spec_is_gone_is_told_as_gone(clone: Path) -> None:
    project = Project(clone=clone, specs=clone, folder=clone)
    found = Touched(stacks=("platform",), removed=("hooli", "initech"))
    assert chosen(project, found, ["hooli", "acme"]) == Touched(stacks=("acme",), removed=("hooli",))


def test_links_are_github_s_in_its_workflows_alone() -> None:
    github = {"GITHUB_SERVER_URL": "https://h", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": "abc"}
    assert root_of(github) == "https://h/o/r/blob/abc/"
    assert root_of({}) == ""


def test_an_interrupted_engine_knows_it(clone: Path) -> None:
    engine = InterruptibleEngine(Project(clone=clone, specs=clone, folder=clone), environment={})
    assert not engine.is_interrupted
    assert engine.interrupt() == 0
    assert engine.is_interrupted
