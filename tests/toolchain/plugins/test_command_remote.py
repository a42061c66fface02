"""Commands and copies on another host, against a real sshd."""

import secrets
import subprocess
import time
from pathlib import Path
from threading import Thread

import grpc
import pytest
from plugin_client import Plugin
from real_sshd import SshServer, agent_with, certify, free_port, make_key, serve_ssh, wait_for

from toolchain.plugins.base.values import Properties, Secret

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("no_agent")]

COMMAND = "command:remote:Command"


def test_a_command_lives_on_a_host(command: Plugin, host: SshServer, key: str) -> None:
    program = {
        "connection": host.connection(privateKey=key),
        "create": "cat > /mnt/made; echo made; echo noise >&2",
        "update": "echo updated",
        "delete": "echo gone > /mnt/gone",
        "stdin": Secret("typed"),
    }
    id, inputs, state = command.make(COMMAND, program)
    assert id.startswith("thing"), "the official provider's ids begin with the logical name"
    assert (host.folder / "made").read_text() == "typed"
    assert (state["stdout"], state["stderr"]) == ("made", "noise"), "without the last line break"
    assert isinstance(state["connection"], Secret), "it may hold keys"
    assert isinstance(state["stdin"], Secret), "a secret input is one in the state"
    state = command.update(COMMAND, id, state, inputs, {**inputs, "environment": {}})
    assert state["stdout"] == "updated"
    command.delete(COMMAND, id, state)
    assert (host.folder / "gone").read_text() == "gone\n"


def test_a_certificate_that_an_agent_holds_opens_a_host(
    command: Plugin, host: SshServer, tmp_path: Path
) -> None:
    make_key(tmp_path / "operator")
    certify(tmp_path / "operator", tmp_path / "ca", "root")
    with agent_with(tmp_path / "operator") as socket:
        _, _, state = command.make(
            COMMAND, {"connection": host.connection(agentSocketPath=socket), "create": "echo in"}
        )
    assert state["stdout"] == "in"
    assert "Accepted publickey for root" in host.journal()
    assert "ED25519-CERT" in host.journal(), "by the certificate: the host knows no bare key"


def test_an_agent_is_found_by_its_environment_variable(
    command: Plugin, host: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "operator")
    certify(tmp_path / "operator", tmp_path / "ca", "root")
    with agent_with(tmp_path / "operator") as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        _, _, state = command.make(COMMAND, {"connection": host.connection(), "create": "echo in"})
    assert state["stdout"] == "in"


@pytest.mark.usefixtures("key")
def test_a_bare_key_that_an_agent_holds_opens_a_host(
    command: Plugin, host: SshServer, tmp_path: Path
) -> None:
    with agent_with(tmp_path / "user") as socket:
        _, _, state = command.make(
            COMMAND, {"connection": host.connection(agentSocketPath=socket), "create": "echo in"}
        )
    assert state["stdout"] == "in"


def test_a_password_opens_a_host(command: Plugin, host: SshServer) -> None:
    _, _, state = command.make(
        COMMAND, {"connection": host.connection(password=host.password), "create": "echo in"}
    )
    assert state["stdout"] == "in"


@pytest.mark.usefixtures("key")
def test_an_encrypted_key_opens_a_host(command: Plugin, host: SshServer, tmp_path: Path) -> None:
    phrase = secrets.token_hex(8)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", phrase, "-f", tmp_path / "user"], check=True)
    locked = host.connection(privateKey=(tmp_path / "user").read_text())
    with pytest.raises(grpc.RpcError, match="encrypted: give its privateKeyPassword"):
        command.make(COMMAND, {"connection": locked, "create": "true"})
    command.make(COMMAND, {"connection": {**locked, "privateKeyPassword": phrase}, "create": "true"})


def test_a_host_is_reached_through_a_proxy(
    command: Plugin, host: SshServer, key: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve_ssh(tmp_path_factory.mktemp("bastion")) as bastion:
        bastion.trust((host.folder / "user.pub").read_text())
        proxy = bastion.connection(privateKey=key)
        connection = host.connection(privateKey=key, proxy=proxy)
        _, _, state = command.make(COMMAND, {"connection": connection, "create": "echo in"})
        assert "Accepted publickey" in bastion.journal()
    assert state["stdout"] == "in"


def test_a_foreign_host_key_is_refused_at_once_and_the_command_not_sent(
    command: Plugin, host: SshServer, key: str, tmp_path: Path
) -> None:
    make_key(tmp_path / "impostor")
    connection = host.connection(
        privateKey=key, hostKey=(tmp_path / "impostor.pub").read_text(), dialErrorLimit=10
    )
    begun = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, {"connection": connection, "create": "touch /mnt/made"})
    assert time.monotonic() - begun < 5, "it isn't tried again: ten more dials would take longer"
    said = caught.value.details()
    assert f"root@127.0.0.1:{host.port} shows another host key" in said
    assert "give the new host's key" in said, "the way out"
    assert not (host.folder / "made").exists()


def test_a_host_without_a_key_of_the_pinned_type_is_refused(
    command: Plugin, host: SshServer, key: str, tmp_path: Path
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "other"], check=True)
    connection = host.connection(privateKey=key, hostKey=(tmp_path / "other.pub").read_text())
    with pytest.raises(grpc.RpcError, match="shows another host key"):
        command.make(COMMAND, {"connection": connection, "create": "true"})


def test_a_refused_key_is_reported_in_one_line_with_the_way_out(
    command: Plugin, host: SshServer, tmp_path: Path
) -> None:
    text = make_key(tmp_path / "stranger")
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, {"connection": host.connection(privateKey=text), "create": "true"})
    said = caught.value.details()
    assert f"root@127.0.0.1:{host.port} refused the private key" in said
    assert "\n" not in said, "one line"
    assert text.splitlines()[1] not in said, "and never the key"


def test_a_certificate_that_has_ended_is_reported_as_that(
    command: Plugin, host: SshServer, tmp_path: Path
) -> None:
    make_key(tmp_path / "operator")
    certify(tmp_path / "operator", tmp_path / "ca", "root", "-2h:-1h")
    with (
        agent_with(tmp_path / "operator") as socket,
        pytest.raises(grpc.RpcError, match=r"ssh-add -l.*a certificate may have ended"),
    ):
        command.make(COMMAND, {"connection": host.connection(agentSocketPath=socket), "create": "true"})


def test_a_closed_port_is_reported_with_the_way_out(command: Plugin) -> None:
    port = free_port()
    connection = {"host": "127.0.0.1", "port": port, "password": secrets.token_hex(4), "dialErrorLimit": 1}
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, {"connection": connection, "create": "true"})
    said = caught.value.details()
    assert f"root@127.0.0.1:{port}: connection refused" in said
    assert "that sshd runs there (dialed 2 times)" in said, "a dial more than errors are allowed"


def test_a_host_that_comes_later_is_waited_for(
    command: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setattr("real_sshd.free_port", lambda: port)
    folder = tmp_path / "late"
    folder.mkdir()
    made: list[Properties] = []

    def make(connection: Properties) -> None:
        made.append(command.make(COMMAND, {"connection": connection, "create": "echo in"})[2])

    password = {"host": "127.0.0.1", "port": port, "dialErrorLimit": -1}
    with serve_ssh(folder) as host:
        password["password"] = host.password
    thread = Thread(target=make, args=(password,))
    thread.start()
    time.sleep(0.5)
    (folder / "host_key").unlink()
    (folder / "ca").unlink()
    monkeypatch.setattr("real_sshd.secrets.token_urlsafe", lambda _: password["password"])
    with serve_ssh(folder):
        thread.join(timeout=20)
    assert made[0]["stdout"] == "in"


def test_a_variable_that_the_host_refuses_is_an_error_that_names_it(
    command: Plugin, host: SshServer, key: str
) -> None:
    program = {"connection": host.connection(privateKey=key), "create": 'echo "$ACCEPTED"'}
    _, _, state = command.make(COMMAND, {**program, "environment": {"ACCEPTED": "a value"}})
    assert state["stdout"] == "a value"
    hidden = secrets.token_hex(8)
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, {**program, "environment": {"REFUSED": hidden}})
    said = caught.value.details()
    assert 'could not set environment variable "REFUSED": sshd takes only variables' in said
    assert hidden not in said


def test_the_previous_output_is_offered_and_its_refusal_no_error(
    command: Plugin, host: SshServer, key: str
) -> None:
    program = {"connection": host.connection(privateKey=key), "create": "echo one"}
    id, inputs, state = command.make(COMMAND, program)
    news = {**inputs, "create": "echo two"}
    assert command.update(COMMAND, id, state, inputs, news)["stdout"] == "two"


def test_a_failure_has_its_exit_code_and_output_and_no_input(
    command: Plugin, host: SshServer, key: str
) -> None:
    hidden = secrets.token_hex(8)
    program = {
        "connection": host.connection(privateKey=key),
        "create": "cat > /dev/null; echo partly; echo no such thing >&2; exit 7",
        "stdin": hidden,
    }
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, program)
    said = caught.value.details()
    for part in ("exit status 7", "no such thing", "partly"):
        assert part in said, "what is needed to act on it"
    assert hidden not in said


def test_much_input_and_much_output_pass_at_once(command: Plugin, host: SshServer, key: str) -> None:
    text = "x" * 1_500_000  # both in one message, of which gRPC takes 4 MB
    program = {"connection": host.connection(privateKey=key), "create": "cat", "stdin": text}
    _, _, state = command.make(COMMAND, {**program, "logging": "none"})
    assert state["stdout"] == text


def test_a_cancelled_update_ends_the_command_on_the_host(command: Plugin, host: SshServer, key: str) -> None:
    program = {
        "connection": host.connection(privateKey=key, user="guest"),  # sshd signals no process of root's
        "create": "echo $$ > /mnt/open/pid; sleep 600 & wait",
    }
    (host.folder / "open").mkdir(mode=0o777)
    (host.folder / "open").chmod(0o777)
    inputs = command.checked(COMMAND, program)
    failures: list[str] = []

    def create() -> None:
        try:
            command.create(COMMAND, inputs)
        except grpc.RpcError as error:
            failures.append(error.details())

    thread = Thread(target=create)
    thread.start()
    noted = host.folder / "open" / "pid"
    wait_for(lambda: noted.exists() and noted.read_text(), "the command")
    pid = noted.read_text().strip()
    command.cancel()
    thread.join(timeout=60)
    assert "cancelled by the engine" in failures[0]
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the command on the host")
