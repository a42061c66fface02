"""What GitHub runs is held to what docs/workflows.md says of it; actionlint and zizmor see to the rest."""

import importlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
JOBS: dict[str, dict[str, Any]] = {
    f"{name}.{key}": job for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()
}
POSTING = {"preview.comment", "drift.issue"}
REAL = {"deploy.plan", "deploy.apply", "drift.drift", "audit.audit"}
MAKE_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

each_job = pytest.mark.parametrize("name", JOBS)


def steps(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job["steps"]
    return found


def shell(job: Mapping[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


def triggers(name: str) -> set[str]:
    """YAML 1.1 reads `on` as true."""
    workflow = WORKFLOWS[name.partition(".")[0]]
    return set(workflow.get("on", workflow.get(True)))


def secrets_of(value: object) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", json.dumps(value)))


def test_there_is_a_workflow_for_each_thing_that_is_promised() -> None:
    assert set(WORKFLOWS) == {"check", "test", "preview", "deploy", "drift", "audit"}
    document = (ROOT / "docs" / "workflows.md").read_text()
    assert all(f"| `{name}` |" in document for name in WORKFLOWS), "docs/workflows.md has them all"


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for line in path.read_text().splitlines():
            if "uses:" in line:
                match = re.search(r"uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$", line)
                assert match, f"{path.name}: {line.strip()}"
                pins.setdefault(match[1], set()).add(match[2])
    assert all(len(commits) == 1 for commits in pins.values()), f"one version of each action: {pins}"


def test_every_image_is_pinned_by_its_digest_and_the_same() -> None:
    images = {job["container"]["image"] for job in JOBS.values() if "container" in job}
    assert len(images) == 1, "one image to look after"
    assert re.fullmatch(r"python:3\.11-bookworm@sha256:[0-9a-f]{64}", images.pop()), "Debian 12, as droplets"


@each_job
def test_a_job_has_the_permissions_it_needs_and_an_end(name: str) -> None:
    assert WORKFLOWS[name.partition(".")[0]]["permissions"] == {}, "nothing by default"
    writes = {key for key, value in JOBS[name]["permissions"].items() if value == "write"}
    assert bool(writes) == (name in POSTING), "who posts may write, and nobody else"
    assert len(writes) <= 1, "what it posts to"
    assert JOBS[name]["timeout-minutes"] > 0, "a job that hangs is ended"


@each_job
def test_a_checkout_leaves_no_token_behind(name: str) -> None:
    for step in steps(JOBS[name]):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, step["name"]


@each_job
def test_a_pull_request_has_no_secrets(name: str) -> None:
    assert not triggers(name) & {"pull_request_target", "workflow_run"}, (
        "they run with secrets on forks' code"
    )
    if "pull_request" in triggers(name):
        assert not secrets_of(JOBS[name]), "not even of our own branches"
        assert "environment" not in JOBS[name]
        assert "self-hosted" not in JOBS[name]["runs-on"], "and doesn't touch a machine of ours"


@each_job
def test_credentials_are_an_environments_and_given_to_single_steps(name: str) -> None:
    job = JOBS[name]
    assert bool(secrets_of(job)) == (name in REAL)
    assert not secrets_of({key: value for key, value in job.items() if key != "steps"}), "not to every step"
    for step in steps(job):
        if secrets_of(step):
            assert "run" in step, "no action that others wrote gets them"
            assert not secrets_of(step["run"]), "by the environment, never in a command"
    if name in REAL:
        wanted = "production" if name == "deploy.apply" else "production-plan"
        assert job["environment"] == wanted, "only what applies needs a reviewer, and it does"
        assert "github.ref == 'refs/heads/main'" in job.get("if", "") or name == "deploy.apply"


def test_an_audit_needs_no_credentials_of_a_cloud() -> None:
    assert secrets_of(JOBS["audit.audit"]) == {"PULUMI_CONFIG_PASSPHRASE"}, "it reads states"


def test_forks_get_no_comment_but_the_summary() -> None:
    condition = JOBS["preview.comment"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition
    show = next(step for step in steps(JOBS["preview.preview"]) if step.get("id") == "show")
    assert "GITHUB_STEP_SUMMARY" in show["run"], "everybody sees it"
    assert show["if"] == "${{ !cancelled() }}", "also when it may not be merged"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_or_its_jobs_that_work_on_the_cloud_are_one_at_a_time(name: str) -> None:
    workflow = WORKFLOWS[name]
    groups = [workflow.get("concurrency")] if "concurrency" in workflow else []
    groups = groups or [job["concurrency"] for job in workflow["jobs"].values()]
    for group in groups:
        assert group["cancel-in-progress"] is ("pull_request" in triggers(name)), (
            "a newer push ends an older preview; nothing ends an update"
        )


def test_an_update_is_interrupted_in_order_and_has_time_to_end() -> None:
    for name in ("deploy.plan", "deploy.apply", "drift.drift"):
        grace, limit = map(
            int,
            re.findall(r"timeout --foreground --signal=INT --kill-after=(\d+)m (\d+)m", shell(JOBS[name]))[0],
        )
        assert grace + limit < JOBS[name]["timeout-minutes"], f"{name} is killed before its time is over"


def test_only_the_approved_plans_are_applied_and_only_of_the_newest_commit() -> None:
    names = [step["name"] for step in steps(JOBS["deploy.apply"])]
    apply = next(step for step in steps(JOBS["deploy.apply"]) if step.get("id") == "apply")
    assert "stacks.up --plans .tenantry/preview/plans" in apply["run"]
    assert names.index("Refuse a plan that main has left behind") < names.index(apply["name"])
    take = next(step for step in steps(JOBS["deploy.apply"]) if "download-artifact" in step.get("uses", ""))
    assert take["with"]["artifact-ids"] == "${{ needs.plan.outputs.artifact }}", "this run's own, by its id"
    assert names[-1] == "Remember what was applied", "when all else has succeeded"


def test_what_a_killed_update_leaves_is_brought_back_whatever_happened() -> None:
    back = next(step for step in steps(JOBS["deploy.apply"]) if "stacks.recover" in step.get("run", ""))
    assert back["if"].startswith("${{ always() && "), "also after a cancelled job"
    assert all(f"steps.apply.outcome == '{outcome}'" in back["if"] for outcome in ("failure", "cancelled"))


def test_where_main_is_and_where_it_is_not(tmp_path: Path) -> None:
    (step,) = (s for s in steps(JOBS["deploy.apply"]) if s["name"].startswith("Refuse"))

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def status() -> int:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, check=False, capture_output=True
        ).returncode

    git("init", "--initial-branch=main")
    git("commit", "--allow-empty", "--message=planned")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert status() == 0, "what was planned is what main is"
    git("commit", "--allow-empty", "--message=newer")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "--detach", "HEAD^")
    assert status() == 1, "an old plan would take the newer change back"


def commands() -> Iterator[tuple[str, str, list[str]]]:
    """Each `python -m MODULE` of a workflow, with its options."""
    for name, job in JOBS.items():
        text = shell(job).replace("\\\n", " ")
        for module, rest in re.findall(r"python -m ([\w.]+)([^\n|]*)", text):
            yield name, module, re.findall(r"(?<!\S)(--[a-z-]+)", rest)


def test_every_command_of_a_workflow_is_one_that_a_person_can_run() -> None:
    targets = {target for job in JOBS.values() for target in re.findall(r"make ([a-z]+)", shell(job))}
    assert targets <= MAKE_TARGETS, "the Makefile has them"
    found = list(commands())
    assert {module for _, module, _ in found} == {
        f"stacks.{verb}" for verb in ("preview", "up", "recover", "drift", "audit")
    }
    for name, module, options in found:
        verb = module.rsplit(".", 1)[-1]
        app = typer.Typer()
        app.command()(getattr(importlib.import_module(module), verb))
        command = typer.main.get_command(app)
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options) <= known, f"{name} calls {module} with options that it lacks"


def test_variables_and_secrets_are_those_that_the_document_names() -> None:
    document = (ROOT / "docs" / "workflows.md").read_text()
    text = "\n".join(path.read_text() for path in FILES)
    for name in set(re.findall(r"(?:secrets|vars)\.(\w+)", text)):
        assert f"`{name}`" in document, f"{name} has to be set by somebody who reads the document"
