"""The command stand-in under the real Pulumi engine."""

import json
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_project import new_project
from real_sshd import SshServer, agent_with, certify, make_key, serve_ssh, wait_for

pytestmark = pytest.mark.end_to_end

LOCAL = """\
import pulumi
from pulumi_command import local

config = pulumi.Config()
made = local.Command(
    "made",
    create="echo progress; cat > made; echo done",
    delete="rm made",
    stdin=config.require_secret("input"),
    triggers=[config.get("trigger")],
    asset_paths=["made"],
)
pulumi.export("said", made.stdout)
pulumi.export("asset", made.assets)
pulumi.export("now", local.run(command="echo at once").stdout)
"""
REMOTE = """\
import pulumi
from pulumi_command import remote

config = pulumi.Config()
connection = remote.ConnectionArgs(
    host="127.0.0.1",
    port=config.require_float("port"),
    host_key=config.require("hostKey"),
    dial_error_limit=0,
)
copy = remote.CopyToRemote(
    "copy", connection=connection, source=pulumi.FileAsset("release"), remote_path="/mnt/release"
)
receive = remote.Command(
    "receive",
    connection=connection,
    create="cat > /mnt/received; cat /mnt/release",
    stdin=config.require_secret("input"),
    opts=pulumi.ResourceOptions(depends_on=copy),
)
pulumi.export("said", receive.stdout)
"""
ENDLESS = """\
from pulumi_command import local

local.Command("endless", create="echo $$ > pid; sleep 600")
"""


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with serve_ssh(tmp_path_factory.mktemp("host")) as server:
        yield server


def test_the_engine_runs_a_local_command_and_takes_it_back(tmp_path: Path) -> None:
    hidden = secrets.token_hex(8)
    engine = new_project(tmp_path, LOCAL, {})
    engine.run("config", "set", "--secret", "input", input=hidden)
    said = engine.run("up", "--yes", "--skip-preview")
    assert "progress" in said, "its lines are shown"
    assert (engine.folder / "made").read_text() == hidden
    assert hidden not in said + json.dumps(engine.deployment()), "what came as a secret stays one"
    outputs = json.loads(engine.run("stack", "output", "--json"))
    assert (outputs["said"], outputs["now"]) == ("progress\ndone", "at once")
    assert set(engine.steps().values()) == {"same"}, "the same program changes nothing"
    assert "replace" in engine.steps("--config", "sample:trigger=b")["made"]
    engine.run("destroy", "--yes", "--skip-preview")
    assert not (engine.folder / "made").exists(), "its delete has run"


def test_the_engine_copies_to_a_host_and_runs_there_by_an_agents_certificate(
    tmp_path: Path, host: SshServer
) -> None:
    hidden = secrets.token_hex(8)
    make_key(tmp_path / "operator")
    certify(tmp_path / "operator", host.folder / "ca", "root")
    engine = new_project(tmp_path, REMOTE, {})
    (engine.folder / "release").write_text("one")
    engine.run("config", "set", "port", str(host.port))
    engine.run("config", "set", "hostKey", host.host_key)
    engine.run("config", "set", "--secret", "input", input=hidden)
    with agent_with(tmp_path / "operator") as socket:
        engine.environment["SSH_AUTH_SOCK"] = socket
        engine.run("up", "--yes", "--skip-preview")
        assert (host.folder / "received").read_text() == hidden
        assert json.loads(engine.run("stack", "output", "--json"))["said"] == "one"
        assert set(engine.steps().values()) == {"same"}, "the same program changes nothing"
        (engine.folder / "release").write_text("two")
        assert engine.steps()["copy"] == "update", "other contents are copied again"
        engine.run("up", "--yes", "--skip-preview")
        assert (host.folder / "release").read_text() == "two"
    assert hidden not in json.dumps(engine.deployment())


def test_an_interrupt_ends_a_running_command(tmp_path: Path) -> None:
    engine = new_project(tmp_path, ENDLESS, {})
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=engine.folder,
        env=engine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as update:
        noted = engine.folder / "pid"
        wait_for(lambda: noted.exists() and noted.read_text(), "the command", seconds=60)
        update.send_signal(signal.SIGINT)
        said = update.communicate(timeout=60)[0]
    pid = noted.read_text().strip()
    assert "cancelled by the engine" in said
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the command")
