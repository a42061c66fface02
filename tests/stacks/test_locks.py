import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stacks.errors import RecoveryError
from stacks.recovery.locks import Lock, backend_folder, locks_of, why_dead


def _lock(pid: int, *, host: str | None = None, created: float | None = None) -> Lock:
    return Lock(
        path=Path("lock.json"),
        pid=pid,
        host=host or socket.gethostname(),
        user="root",
        created=time.time() if created is None else created,
    )


def _write(folder: Path, content: str) -> Path:
    path = folder / "locks" / "organization" / "tenantry" / "acme" / "c25f.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_a_lock_is_read_as_the_engine_writes_it(tmp_path: Path) -> None:
    content = {
        "pid": 15599,
        "username": "root",
        "hostname": "vm",
        "timestamp": "2026-11-23T06:03:50.082514235Z",
    }
    path = _write(tmp_path, json.dumps(content))
    (lock,) = locks_of(tmp_path, "tenantry", "acme")
    created = datetime(2026, 11, 23, 6, 3, 50, 82514, tzinfo=UTC).timestamp()
    assert lock == Lock(path=path, pid=15599, host="vm", user="root", created=created), (
        "recorded from 3.259.0"
    )


@pytest.mark.parametrize("content", ["", "{}", '{"pid": "x"}', "[]"])
def test_a_lock_that_can_t_be_read_stops_everything(tmp_path: Path, content: str) -> None:
    path = _write(tmp_path, content)
    with pytest.raises(RecoveryError, match=path.name):
        list(locks_of(tmp_path, "tenantry", "acme"))


def test_another_tenant_s_lock_is_not_ours(tmp_path: Path) -> None:
    _write(tmp_path, "{}")
    assert not list(locks_of(tmp_path, "tenantry", "globex")), "stacks are locked one by one"


def test_a_process_that_is_gone_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert why_dead(_lock(process.pid)) == f"there is no process {process.pid}", "nobody holds it"


def test_a_process_that_only_waits_to_be_collected_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert why_dead(_lock(process.pid)), "a zombie does no work"
    finally:
        process.wait()


def test_a_number_given_to_a_later_process_is_no_owner() -> None:
    reason = why_dead(_lock(os.getpid(), created=time.time() - 10**6))
    assert reason is not None, "this process is younger than the lock"
    assert "another one" in reason, "and that is said"


def test_a_process_that_is_no_engine_is_no_owner() -> None:
    reason = why_dead(_lock(os.getpid(), created=time.time() + 60))
    assert reason is not None, "pytest takes no locks"
    assert "not an engine" in reason, "and that is said"


def test_a_living_engine_keeps_its_lock(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "60"])
    try:
        deadline = time.monotonic() + 5
        while Path(f"/proc/{process.pid}/comm").read_text().strip() != "pulumi":
            assert time.monotonic() < deadline, "the stand-in didn't start"
        assert why_dead(_lock(process.pid)) is None, "its update may be running"
    finally:
        process.kill()
        process.wait()


def test_an_owner_on_another_host_can_t_be_proven_dead() -> None:
    assert why_dead(_lock(1, host="elsewhere")) is None, "its processes can't be seen from here"


def test_only_a_file_backend_has_its_locks_on_disk(tmp_path: Path) -> None:
    assert backend_folder({"PULUMI_BACKEND_URL": f"file://{tmp_path}"}) == tmp_path / ".pulumi", (
        "as the engine"
    )
    assert backend_folder({"PULUMI_BACKEND_URL": "https://api.example"}) is None, "others keep their own"
    assert backend_folder({}) is None, "no backend is chosen"
