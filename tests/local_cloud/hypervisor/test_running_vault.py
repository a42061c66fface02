"""The vault in its sandbox: a real OpenBao, started, killed, sealed, its audit's disk filled."""

import json
import os
import signal
import stat
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import hvac
import pytest
from isolation import isolated
from stage import eventually
from vault_room import VaultRoom, vault_room

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.vault import rotation, server, vault


def _remember(room: VaultRoom) -> None:
    with room.client(room.root_token) as root:
        root.sys.enable_secrets_engine("kv", path="kept")
        root.write_data("kept/note", data={"text": "here"})


def _collected(room: VaultRoom, path: str) -> int:
    """How many of the collector's lines are about the path."""
    lines = (room.state / "collected.log").read_text().splitlines()
    return [json.loads(line)["request"]["path"] for line in lines].count(path)


def _remembers(room: VaultRoom) -> bool:
    with room.client(room.root_token) as root:
        return bool(root.read("kept/note")["data"] == {"text": "here"})


def _operator_is_let_in(room: VaultRoom) -> bool:
    try:
        with room.client() as operator:
            return bool(operator.auth.token.lookup_self()["data"]["policies"] == ["operator"])
    except (hvac.exceptions.VaultError, OSError):
        return False


@isolated
def test_a_restart_keeps_everything_and_a_new_address_gets_a_new_certificate(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room:
        with room.running() as first:
            first.start()  # again, which changes nothing
            _remember(room)
            token = room.operator_token
        assert not room.process_ids(), "it was stopped"
        room.mesh.address = IPv4Address("100.64.0.77")
        with room.running():
            assert (room.state / "address").read_text() == "https://100.64.0.77:8200"
            assert _operator_is_let_in(room), "over TLS, verified by the address"
            assert _remembers(room)
            assert room.operator_token == token, "renewed"


@isolated
def test_it_runs_without_rights_and_listens_at_its_mesh_address_alone(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room, room.running():
        (process,) = room.process_ids()
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == ["8200"] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        with namespaces.entered("vault"):
            listening = subprocess.run(
                ["ss", "-Hltn"], capture_output=True, text=True, check=True
            ).stdout.split("\n")
        addresses = {line.split()[3] for line in listening if line}
        assert addresses == {"100.64.0.2:8200", "127.0.0.1:8201"}
        assert _memory_bytes() < server.MEMORY_MIB << 19, "half of what it may have is plenty"


@isolated
def test_what_it_keeps_is_for_root_and_itself_and_its_secrets_are_nowhere_else(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room, room.running():
        secrets = [*json.loads((room.state / "init.json").read_text()).values(), room.operator_token]
        (process,) = room.process_ids()
        keepers = {room.state / "init.json", room.state / "operator-token"}
        files = [file for file in _own_files(room.state) if file not in keepers]
        places = [*files, Path(f"/proc/{process}/cmdline"), Path(f"/proc/{process}/environ")]
        found = [
            place for place in places if any(secret.encode() in place.read_bytes() for secret in secrets)
        ]
        assert not found
        assert stat.S_IMODE(room.state.stat().st_mode) == 0o700
        private = [*keepers, room.state / "audit/audit.log", room.state / "conf/server.key"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}


@isolated
def test_a_killed_server_is_started_and_unsealed_again(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room, room.running():
        _remember(room)
        (process,) = room.process_ids()
        os.kill(process, signal.SIGKILL)
        eventually(lambda: room.process_ids() not in ([], [process]), "another process")
        eventually(lambda: _operator_is_let_in(room), "unsealed by itself")
        assert _remembers(room)


@isolated
def test_a_sealed_vault_stays_sealed_until_it_is_unsealed(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room, room.running() as running:
        running.seal()
        with room.client() as operator, pytest.raises(hvac.exceptions.VaultDown):
            operator.auth.token.lookup_self()
        running.unseal()
        running.unseal()  # of one that is unsealed
        assert _operator_is_let_in(room)
        running.close()
        running.close()
        with pytest.raises(HypervisorError, match="does not run"):
            running.seal()


@isolated
def test_lost_keys_fail_the_start_and_leave_nothing_running(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room:
        with room.running():
            pass
        (room.state / "init.json").unlink()
        with pytest.raises(HypervisorError, match=r"init\.json is not there.*local_cloud reset"):
            room.vault().start()
        assert not room.process_ids()


@isolated
def test_a_full_disk_under_the_audit_file_stops_no_request(tmp_path: Path) -> None:
    with vault_room(tmp_path) as room:
        audit = room.state / "audit"
        audit.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(audit)], check=True)
        with room.running(), room.client() as operator:
            for _ in range(100):
                operator.auth.token.lookup_self()
            assert (audit / "audit.log").stat().st_size <= 64 << 10, "it is full"
            eventually(lambda: _collected(room, "auth/token/lookup-self") >= 200, "requests and answers")


@isolated
def test_a_large_audit_file_is_moved_aside_and_another_begun(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as changed, vault_room(tmp_path) as room:
        changed.setattr(vault, "CARE_SECONDS", 0.1)
        changed.setattr(rotation, "LARGE_BYTES", 20_000)
        with room.running(), room.client() as operator:
            audit = room.state / "audit"
            eventually((audit / "audit.log.1").exists, "it was moved aside")
            operator.auth.token.lookup_self()
            eventually((audit / "audit.log").exists, "the server writes a new one")
            assert stat.S_IMODE((audit / "audit.log").stat().st_mode) == 0o600
            operator.auth.token.lookup_self()


def _own_files(state: Path) -> list[Path]:
    """Not those of the system that the sandbox shows, nor of the encrypted storage's empty pages."""
    trees = [state / "audit", state / "conf", state / "data"]
    below = [file for tree in trees for file in tree.rglob("*") if file.is_file()]
    return [*below, *(file for file in state.iterdir() if file.is_file())]


def _memory_bytes() -> int:
    """The most that the vault's control group has used, page cache included."""
    named = ("memory/{}/memory.max_usage_in_bytes", "{}/memory.peak", "{}/memory.current")
    for name in named:
        for file in Path("/sys/fs/cgroup").glob(name.format("local-cloud-test-*/vault")):
            return int(file.read_text())
    pytest.fail("the vault has no control group")
