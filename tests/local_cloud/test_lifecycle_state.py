import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_cloud.errors import CloudIsDownError, LocalCloudError
from local_cloud.lifecycle.state import Process, Supervisor, read_token


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def supervisor_of(process: Process) -> Supervisor:
    return Supervisor(
        pid=process.pid,
        started=process.started,
        boot=process.boot,
        port=1,
        started_at="2026-01-01T00:00:00+00:00",
        toolchain_manifest="toolchain.json",
    )


def test_a_process_is_alive_until_it_ends(child: subprocess.Popen[bytes]) -> None:
    process = Process.of(child.pid)
    assert process.is_alive()
    process.send(signal.SIGKILL)
    assert process.ended_within(5), "a zombie counts as ended"
    assert not process.is_alive()


def test_a_later_process_with_the_same_id_is_not_mistaken_for_it(child: subprocess.Popen[bytes]) -> None:
    process = Process.of(child.pid)
    for other in (replace(process, started=process.started - 1), replace(process, boot="another boot")):
        assert not other.is_alive()
        other.send(signal.SIGKILL)
    assert process.is_alive(), "no signal went to a process that merely has the id"


def test_there_is_no_process_of_an_id_that_nobody_has(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    with pytest.raises(ProcessLookupError):
        Process.of(child.pid)


def test_waiting_for_a_process_that_goes_on_has_an_end() -> None:
    assert not Process.of(os.getpid()).ended_within(0.05)


def test_a_supervisor_is_read_as_it_was_written(tmp_path: Path) -> None:
    supervisor = supervisor_of(Process.of(os.getpid()))
    supervisor.write(tmp_path)
    assert Supervisor.running(tmp_path) == supervisor
    assert [file.name for file in tmp_path.iterdir()] == ["supervisor.json"], "written at once"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"unknown": 1}'])
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "supervisor.json").write_text(content)
    assert Supervisor.read(tmp_path) is None


def test_a_dead_supervisor_is_down(tmp_path: Path) -> None:
    supervisor_of(replace(Process.of(os.getpid()), started=1)).write(tmp_path)
    with pytest.raises(CloudIsDownError, match="start it with `python -m local_cloud up`"):
        Supervisor.running(tmp_path)


def test_a_supervisor_without_an_init_says_so(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(LocalCloudError, match="has no init"):
        _ = supervisor_of(Process.of(child.pid)).init


def test_a_missing_token_names_the_directory(tmp_path: Path) -> None:
    with pytest.raises(CloudIsDownError, match=str(tmp_path)):
        read_token(tmp_path)


def test_who_may_not_read_the_record_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(LocalCloudError, match=r"supervisor\.json is for root alone: run this with sudo"):
        Supervisor.running(tmp_path)
