"""The life of a real local cloud: it starts, is killed, comes back, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_cloud import ROOT, LocalCloud

from local_cloud.lifecycle.state import Process, Supervisor
from local_cloud.settings import Settings

pytestmark = pytest.mark.end_to_end


def traces() -> dict[str, str]:
    """What the root namespaces show."""
    commands = (("ip", "netns"), ("ip", "-o", "-br", "link"), ("nft", "list", "ruleset"), ("findmnt", "-rn"))
    return {
        " ".join(c): subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands
    }


def control_groups(cloud: LocalCloud) -> list[Path]:
    name = f"local-cloud-{Settings(state_dir=cloud.state_dir).key}"
    return [group for place in (name, f"*/{name}") for group in Path("/sys/fs/cgroup").glob(place)]


def members(namespace: str) -> list[str]:
    """The processes of a process namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str((entry / "ns/pid").readlink()) == namespace:
                found.append(entry.name)
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def processes(cloud: LocalCloud) -> dict[str, Process]:
    supervisor = Supervisor.running(cloud.state_dir)
    children = Path(f"/proc/{supervisor.init.pid}/task/{supervisor.init.pid}/children").read_text().split()
    return {
        "unshare": supervisor.process,
        "init": supervisor.init,
        "supervisor": Process.of(int(children[0])),
    }


def test_up_and_down_are_idempotent_and_leave_nothing(own_cloud: LocalCloud) -> None:
    before = traces()
    assert "is up" in own_cloud.run("up").stdout
    assert "was up already" in own_cloud.run("up").stdout
    assert own_cloud.url in own_cloud.run("status").stdout
    assert traces() == before, "nothing is made outside its own namespaces, not even while it runs"
    assert "is down" in own_cloud.run("down").stdout
    assert "was not running" in own_cloud.run("down").stdout
    assert own_cloud.run("status", check=False).returncode == 3
    assert traces() == before
    assert control_groups(own_cloud) == []


@pytest.mark.parametrize("victim", ["unshare", "init", "supervisor"])
def test_kill_9_of_any_of_its_processes_ends_them_all(own_cloud: LocalCloud, victim: str) -> None:
    before = traces()
    own_cloud.run("up")
    running = processes(own_cloud)
    namespace = str(Path(f"/proc/{running['init'].pid}/ns/pid").readlink())
    running[victim].send(signal.SIGKILL)
    eventually(lambda: members(namespace) == [], "the end of every process in the namespace")
    assert traces() == before
    assert own_cloud.run("status", check=False).returncode == 3
    own_cloud.run("up")
    own_cloud.run("down")
    assert control_groups(own_cloud) == [], "what a killed supervisor leaves is removed"


def test_two_ups_at_once_start_one_cloud(own_cloud: LocalCloud) -> None:
    own_cloud.state_dir.mkdir()
    command = [sys.executable, "-m", "local_cloud", "up"]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=own_cloud.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert ["is up" in said[0], "was up already" in said[1]] == [True, True], said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_up_is_finished_by_the_next(own_cloud: LocalCloud, number: signal.Signals) -> None:
    own_cloud.state_dir.mkdir()
    # A shell's background job ignores SIGINT, and so would what it starts.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "local_cloud", "up"]
    with subprocess.Popen(command, cwd=ROOT, env=own_cloud.environment, stderr=subprocess.DEVNULL) as up:
        eventually((own_cloud.state_dir / "supervisor.json").exists, "the supervisor's start")
        up.send_signal(number)
    assert up.returncode != 0
    own_cloud.run("up")
    own_cloud.run("down")
    assert not (own_cloud.state_dir / "supervisor.json").exists()


def test_a_port_that_is_taken_is_named_with_who_has_it(own_cloud: LocalCloud) -> None:
    with socket.create_server(("127.0.0.1", own_cloud.port)):
        refused = own_cloud.run("up", check=False)
    assert refused.returncode == 1
    assert f"port {own_cloud.port}" in refused.stderr
    assert f"pid={os.getpid()}" in refused.stderr
    assert "LOCAL_CLOUD_PORT" in refused.stderr, "it says what can be done"


def test_without_a_toolchain_up_says_what_to_run(own_cloud: LocalCloud, tmp_path: Path) -> None:
    bare = LocalCloud(own_cloud.state_dir, own_cloud.port, tmp_path / "none.json")
    refused = bare.run("up", check=False)
    assert (refused.returncode, "python -m toolchain" in refused.stderr) == (1, True), refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_needs_a_cloud_says_that_it_is_down(own_cloud: LocalCloud) -> None:
    for arguments in (("exec", "true"), ("console", "web"), ("status",)):
        refused = own_cloud.run(*arguments, check=False)
        assert refused.returncode == 3
        assert "start it with `python -m local_cloud up`" in refused.stderr


def test_exec_runs_a_command_as_the_operator(cloud: LocalCloud) -> None:
    program = "import os,sys,json; print(json.dumps([dict(os.environ), os.getcwd(), sys.stdin.read()]))"
    environment, directory, stdin = json.loads(cloud.exec(sys.executable, "-c", program, stdin="in").stdout)
    assert environment["DIGITALOCEAN_API_URL"] == cloud.url
    assert environment["DIGITALOCEAN_TOKEN"] == environment["DIGITALOCEAN_ACCESS_TOKEN"] == cloud.token
    assert "PULUMI_HOME" in environment, "what the toolchain needs is there"
    assert (directory, stdin) == (str(ROOT), "in")
    assert cloud.exec("sh", "-c", "exit 7", check=False).returncode == 7
    assert cloud.exec("ip", "-o", "-br", "link").stdout.split()[0] == "lo", "it has no link but loopback"
    assert "127.0.0.53" in cloud.exec("cat", "/etc/resolv.conf").stdout
    assert "127.0.0.53" not in Path("/etc/resolv.conf").read_text(), "outside nothing has changed"


def test_the_api_answers_in_both_places(cloud: LocalCloud) -> None:
    headers = {"Authorization": f"Bearer {cloud.token}"}
    assert httpx.get(f"{cloud.url}/v2/account", headers=headers).status_code == 200
    inside = cloud.exec("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{cloud.url}/v2/account")
    assert inside.stdout == "401", "without a token"


def test_the_token_is_readable_by_root_alone_and_in_no_command_line_or_log(cloud: LocalCloud) -> None:
    assert (cloud.state_dir / "token").stat().st_mode & 0o777 == 0o600
    assert cloud.state_dir.stat().st_mode & 0o077 == 0
    assert cloud.token not in (cloud.state_dir / "supervisor.log").read_text()
    for process in processes(cloud).values():
        assert cloud.token not in Path(f"/proc/{process.pid}/cmdline").read_text()


def droplet(cloud: LocalCloud, name: str) -> dict[str, Any]:
    body = {"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
    headers = {"Authorization": f"Bearer {cloud.token}"}
    created = httpx.post(f"{cloud.url}/v2/droplets", json=body, headers=headers, timeout=60)
    assert created.status_code == 202, created.text

    def is_active() -> bool:
        answer = httpx.get(f"{cloud.url}/v2/droplets?name={name}", headers=headers, timeout=60).json()
        return bool(answer["droplets"][0]["status"] == "active")

    eventually(is_active, "the droplet's boot", seconds=120)
    found: dict[str, Any] = created.json()["droplet"]
    return found


def test_a_droplet_is_entered_and_comes_back_after_a_crash(own_cloud: LocalCloud) -> None:
    own_cloud.run("up")
    made = droplet(own_cloud, "web-1")
    environment = own_cloud.console("web-1", "env").stdout
    assert own_cloud.token not in environment, "no secret of the caller goes in"
    assert own_cloud.console(str(made["id"]), "hostname").stdout == "web-1\n"
    assert own_cloud.console("web-1", "sh", "-c", "exit 5", check=False).returncode == 5
    own_cloud.console("web-1", "sh", "-c", "cat > /root/kept", stdin="kept")
    processes(own_cloud)["supervisor"].send(signal.SIGKILL)
    eventually(lambda: own_cloud.run("status", check=False).returncode == 3, "the crash")
    own_cloud.run("up")
    assert own_cloud.console("web-1", "cat", "/root/kept").stdout == "kept", "up waits until all is restored"
    own_cloud.run("reset")
    assert "there is no droplet" in own_cloud.run("console", "web-1", check=False).stderr
    own_cloud.run("down")
    assert control_groups(own_cloud) == []


def test_reset_of_a_cloud_that_is_down_empties_its_directory(own_cloud: LocalCloud) -> None:
    own_cloud.run("up")
    own_cloud.run("down")
    own_cloud.run("reset")
    assert list(own_cloud.state_dir.iterdir()) == []
