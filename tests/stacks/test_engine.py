"""The engine's command line is a script here, which answers as `pulumi` 3.259.0 was seen to."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.engine import Engine
from stacks.errors import EngineError
from stacks.events import Event, Failed, Message
from stacks.project import Project

URN = "urn:pulumi:acme::tenantry::digitalocean:index/droplet:Droplet::acme-agent-a-1"
FAILING = [
    {"resourcePreEvent": {"metadata": {"op": "create", "urn": URN}}},
    {"diagnosticEvent": {"severity": "error", "message": "422 limit, token TOKEN", "urn": URN}},
    {"resOpFailedEvent": {"metadata": {"op": "create", "urn": URN}}},
    {"summaryEvent": {"resourceChanges": {"same": 3}, "durationSeconds": 1, "result": "failed"}},
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(clone=tmp_path, specs=tmp_path, folder=tmp_path)


def _engine(project: Project, program: str, **environment: str) -> Engine:
    path = project.folder / "fake"
    path.write_text(program)
    return Engine(
        project, command=(sys.executable, str(path)), environment={"PATH": "/usr/bin:/bin", **environment}
    )


def _printing(events: list[dict[str, Any]], code: int, said: str = "") -> str:
    lines = "\n".join(json.dumps(event) for event in events)
    return f"import sys\nprint({lines!r})\nprint({said!r}, file=sys.stderr)\nsys.exit({code})"


def test_a_failure_tells_its_resource_and_digitalocean_s_words(project: Project) -> None:
    engine = _engine(project, _printing(FAILING, 1))
    seen: list[Event] = []
    outcome = asyncio.run(engine.update("up", "acme", on_event=seen.append))
    assert not outcome.succeeded, "the engine's exit code is the outcome"
    assert [message.urn for message in outcome.errors] == [URN], "whose error it is"
    assert Failed(urn=URN, operation="create") in seen, "events come as they happen"


def test_secrets_of_the_environment_are_not_in_messages(project: Project) -> None:
    engine = _engine(project, _printing(FAILING, 1, "TOKEN too"), DIGITALOCEAN_TOKEN="TOKEN")
    outcome = asyncio.run(engine.update("up", "acme"))
    assert "TOKEN" not in repr(outcome), "providers' errors may repeat what they were given"


def test_unchanged_resources_are_no_changes(project: Project) -> None:
    outcome = asyncio.run(_engine(project, _printing(FAILING[3:], 0)).update("up", "acme"))
    assert outcome.changes == 0, "a second `up` has none"


def test_an_event_may_be_longer_than_a_stream_s_usual_limit(project: Project) -> None:
    long = [{"diagnosticEvent": {"severity": "info", "message": "x" * 300_000}}]
    seen: list[Event] = []
    asyncio.run(_engine(project, _printing(long, 0)).update("up", "acme", on_event=seen.append))
    assert isinstance(seen[0], Message), "state is repeated in events"
    assert len(seen[0].text) == 300_000, "whole"


@pytest.mark.parametrize(
    "said", ["error: the stack is currently locked by 1 lock(s).", "error: failed to load checkpoint: EOF"]
)
def test_what_the_engine_says_outside_its_events_is_kept(project: Project, said: str) -> None:
    outcome = asyncio.run(_engine(project, _printing([], 255, said)).update("up", "acme"))
    assert outcome.needs_recovery, "recovery is the next step"


def test_an_interrupt_reaches_the_engine_as_sigint(project: Project) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
        'print(\'{"diagnosticEvent": {"severity": "info", "message": "ready"}}\', flush=True)\n'
        "time.sleep(30)"
    )
    engine = _engine(project, program)
    outcome = asyncio.run(engine.update("up", "acme", on_event=lambda _: engine.interrupt() and None))
    assert outcome.code == 7, "the engine cancels in order, and releases its lock"
    assert engine.interrupt() == 0, "nothing runs any more"


def test_an_engine_that_is_missing_is_said_with_what_to_do(project: Project) -> None:
    engine = Engine(project, command=("no-such-engine",), environment={})
    with pytest.raises(EngineError, match=r"isn't on PATH.*local_cloud exec"):
        asyncio.run(engine.export("acme"))


def test_a_stack_that_is_not_there_has_no_checkpoint(project: Project) -> None:
    engine = _engine(project, _printing([], 255, "error: no stack named 'acme' found"))
    assert asyncio.run(engine.export("acme")) is None, "the first `up` creates it"
    asyncio.run(engine.remove_stack("acme"))


def test_a_checkpoint_that_can_t_be_read_is_an_error(project: Project) -> None:
    engine = _engine(project, _printing([], 255, "error: failed to load checkpoint: EOF"))
    with pytest.raises(EngineError, match=r"'acme' can't be read.*EOF.*recover"):
        asyncio.run(engine.export("acme"))


def test_a_stack_that_exists_is_no_error(project: Project) -> None:
    engine = _engine(project, _printing([], 255, "error: stack 'acme' already exists"))
    asyncio.run(engine.ensure_stack("acme"))


def test_another_refusal_to_create_a_stack_is_an_error(project: Project) -> None:
    engine = _engine(project, _printing([], 255, "error: incorrect passphrase"))
    with pytest.raises(EngineError, match="incorrect passphrase"):
        asyncio.run(engine.ensure_stack("acme"))


def test_a_replaced_checkpoint_goes_through_a_file_of_the_owner_s_alone(project: Project) -> None:
    program = (
        "import os, sys, pathlib\n"
        "path = pathlib.Path(sys.argv[sys.argv.index('--file') + 1])\n"
        "pathlib.Path('seen').write_text(f'{path.stat().st_mode & 0o777:o} {path.read_text()}')"
    )
    asyncio.run(_engine(project, program).replace_checkpoint("acme", {"version": 3}))
    assert (project.folder / "seen").read_text() == '600 {"version": 3}', "a checkpoint holds everything"
    assert not list(project.folder.glob("**/checkpoint.json")), "nothing is left behind"
