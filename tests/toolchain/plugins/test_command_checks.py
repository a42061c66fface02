"""What the command stand-in checks, what it takes for a change, and what it shows while a command runs."""

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import paramiko
import pytest
from google.protobuf.empty_pb2 import Empty
from paramiko.ssh_exception import NoValidConnectionsError
from plugin_client import Plugin
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2

from toolchain.plugins.base.assets import ARCHIVE, ASSET
from toolchain.plugins.base.values import SIGNATURE, UNKNOWN, Properties, Secret, decode, encode, reveal
from toolchain.plugins.command.authentication import Credentials
from toolchain.plugins.command.connection import Endpoint, explained

LOCAL = "command:local:Command"
REMOTE = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
FILE = {SIGNATURE: ASSET, "hash": "1", "path": "a"}
INPUTS: Properties = {
    "create": "true",
    "triggers": ["a", "b", 1],
    "interpreter": ["/bin/sh", "-c"],
    "environment": {"A": "b"},
    "addPreviousOutputInEnv": True,
}


def failures(plugin: Plugin, type: str, inputs: Properties) -> dict[str, str]:
    return {each.property: each.reason for each in plugin.check(type, inputs).failures}


@pytest.mark.parametrize(
    ("type", "inputs", "property", "reason"),
    [
        (LOCAL, {"creat": "true"}, "creat", 'did you mean "create"?'),
        (LOCAL, {"create": ["true"]}, "create", "expected a string, got a list"),
        (LOCAL, {"logging": "loud"}, "logging", '"loud" is no way to log; known are stdout, stderr'),
        (REMOTE, {"create": "true"}, "connection", 'needs the input "connection"'),
        (REMOTE, {"connection": {"user": "a"}}, "connection.host", "is required and missing"),
        (REMOTE, {"connection": {"host": "h", "key": "k"}}, "connection.key", "is not known"),
        (COPY, {"connection": {"host": "h"}, "source": FILE}, "remotePath", "needs the input"),
        (
            COPY,
            {"connection": {"host": "h"}, "remotePath": "/a", "source": "a"},
            "source",
            "must be a FileAsset, a StringAsset or a FileArchive",
        ),
        (
            COPY,
            {
                "connection": {"host": "h"},
                "remotePath": "/a",
                "source": {SIGNATURE: ARCHIVE, "hash": "1", "assets": {}},
            },
            "source",
            "must be a FileAsset",
        ),
    ],
)
def test_wrong_inputs_are_named(
    command: Plugin, type: str, inputs: Properties, property: str, reason: str
) -> None:
    assert reason in failures(command, type, inputs)[property]


def test_a_connection_gets_the_official_defaults_and_is_a_secret(command: Plugin) -> None:
    given = {"host": "h", "privateKey": Secret("k"), "proxy": {"host": "p", "port": 2222}}
    inputs = command.checked(REMOTE, {"connection": given, "create": "true"})
    assert isinstance(inputs["connection"], Secret), "as a whole"
    defaults = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
    proxy = {**defaults, "host": "p", "port": 2222}
    assert reveal(inputs["connection"]) == {**defaults, "host": "h", "privateKey": "k", "proxy": proxy}


def test_a_connection_that_is_not_known_yet_is_none_that_is_wrong(command: Plugin) -> None:
    inputs = command.checked(REMOTE, {"connection": UNKNOWN, "create": UNKNOWN, "logging": UNKNOWN})
    assert inputs["connection"] is UNKNOWN
    nested = command.checked(REMOTE, {"connection": {"host": UNKNOWN}})
    assert reveal(nested["connection"])["host"] is UNKNOWN


@pytest.mark.parametrize(
    ("changes", "changed", "replaced"),
    [
        ({}, [], []),
        ({"create": "false"}, ["create"], []),
        ({"environment": {"A": "c"}}, ["environment"], []),
        ({"environment": None}, ["environment"], []),
        ({"delete": "true"}, ["delete"], []),
        ({"stdin": ""}, ["stdin"], []),
        ({"triggers": ["b", "a", 1]}, ["triggers"], ["triggers"]),
        ({"triggers": ["a", "b", 1, 0]}, ["triggers"], ["triggers"]),
        ({"triggers": ["a", "b", UNKNOWN]}, ["triggers"], ["triggers"]),
        ({"interpreter": ["-c", "/bin/sh"]}, ["interpreter"], []),
    ],
)
def test_every_change_counts_and_only_triggers_replace(
    command: Plugin, changes: Properties, changed: list[str], replaced: list[str]
) -> None:
    state = {**INPUTS, "stdout": "", "stderr": ""}
    news = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
    found = command.diff(LOCAL, state, INPUTS, news)
    assert (list(found.diffs), list(found.replaces)) == (changed, replaced)


def test_a_changed_connection_runs_the_command_again_and_replaces_nothing(command: Plugin) -> None:
    inputs = command.checked(REMOTE, {"connection": {"host": "a"}, "create": "true"})
    news = command.checked(REMOTE, {"connection": {"host": "b"}, "create": "true"})
    found = command.diff(REMOTE, {**inputs, "stdout": "", "stderr": ""}, inputs, news)
    assert (list(found.diffs), list(found.replaces)) == (["connection"], [])


def test_an_asset_among_the_triggers_is_its_contents(command: Plugin) -> None:
    inputs = {"create": "true", "triggers": [FILE], "addPreviousOutputInEnv": True}
    state = {**inputs, "stdout": "", "stderr": ""}
    moved: Any = copy.deepcopy(inputs)
    moved["triggers"][0]["path"] = "elsewhere"
    assert not command.diff(LOCAL, state, inputs, moved).diffs
    moved["triggers"][0]["hash"] = "2"
    assert list(command.diff(LOCAL, state, inputs, moved).replaces) == ["triggers"]


def test_a_preview_of_an_update_knows_no_output(command: Plugin) -> None:
    id, inputs, state = command.make(LOCAL, {"create": "echo one"})
    request = provider_pb2.UpdateRequest(
        id=id, urn=command.urn(LOCAL), olds=encode(state), old_inputs=encode(inputs), news=encode(inputs),
        preview=True,
    )  # fmt: skip
    planned = decode(command.stub.Update(request).properties)
    assert planned["stdout"] is UNKNOWN, "what depends on it must wait for it"


class Recorder(engine_pb2_grpc.EngineServicer):
    """An engine that only takes notes."""

    def __init__(self) -> None:
        self.noted: list[Any] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        self.noted.append(request)
        return Empty()


@pytest.fixture
def engine(command: Plugin) -> Iterator[Recorder]:
    recorder = Recorder()
    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(recorder, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    command.provider.log.connect(f"127.0.0.1:{port}")
    yield recorder
    server.stop(grace=None).wait()


@pytest.mark.parametrize(
    ("logging", "shown"),
    [
        (None, {"out", "noise", "last"}),
        ("stdoutAndStderr", {"out", "noise", "last"}),
        ("stdout", {"out", "last"}),
        ("stderr", {"noise"}),
        ("none", set()),
    ],
)
def test_the_engine_shows_lines_beside_their_resource(
    command: Plugin, engine: Recorder, logging: str | None, shown: set[str]
) -> None:
    program = {"create": "echo out; echo noise >&2; printf last"}
    _, _, state = command.make(LOCAL, {**program, **({"logging": logging} if logging else {})})
    assert {note.message for note in engine.noted} == shown
    assert all(note.urn == command.urn(LOCAL) and note.ephemeral for note in engine.noted)
    assert state["stdout"] == "out\nlast", "what is shown makes no difference to what is kept"


def test_lines_are_shown_while_the_command_runs(command: Plugin, engine: Recorder, tmp_path: Any) -> None:
    waits = f"echo first; while ! [ -e {tmp_path}/seen ]; do sleep 0.05; done"
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(command.make, LOCAL, {"create": waits})
        while not engine.noted:
            assert not made.done(), "the line is shown before the end"
        (tmp_path / "seen").touch()
        made.result(timeout=10)
    assert engine.noted[0].message == "first"


def endpoint(**more: Any) -> Endpoint:
    return Endpoint.parse({"host": "acme-agent-1", "perDialTimeout": 3, **more})


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (TimeoutError(), ("root@acme-agent-1:22: no answer in 3 s", "is this machine in the mesh?")),
        (ConnectionRefusedError(111, "refused"), ("connection refused", "that sshd runs there")),
        (OSError(113, "No route to host"), ("no way leads there", "is this machine in the mesh?")),
        (
            NoValidConnectionsError({("192.0.2.1", 22): ConnectionRefusedError(111, "refused")}),
            ("connection refused", "the host's address and port"),
        ),
        (paramiko.AuthenticationException(), ("refused us, who had nothing to offer", "SSH_AUTH_SOCK")),
        (
            paramiko.BadHostKeyException("h", paramiko.Ed25519Key, paramiko.Ed25519Key),
            ("shows another host key", "take it for an impostor"),
        ),
        (EOFError(), ("EOFError", "check that sshd runs there")),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_failed_dial_is_one_line_that_names_the_host_and_the_way_out(
    error: Exception, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    said = str(explained(endpoint(), error))
    assert "\n" not in said
    for part in ("acme-agent-1", *parts):
        assert part in said


def test_credentials_and_endpoints_never_show_their_secrets() -> None:
    shown = repr(endpoint(password="hidden", privateKey="hidden", privateKeyPassword="hidden"))
    assert "hidden" not in shown
    assert "hidden" not in repr(Credentials("root", "hidden", "hidden", "hidden", None))


def test_a_host_key_that_is_none_is_reported_before_anything_is_dialed(command: Plugin) -> None:
    connection = {"host": "192.0.2.1", "hostKey": "no key", "password": "x", "dialErrorLimit": 0}
    with pytest.raises(grpc.RpcError, match="hostKey is no public key; write it as in"):
        command.make(REMOTE, {"connection": connection, "create": "true"})


def test_a_private_key_that_is_none_is_never_quoted(command: Plugin) -> None:
    connection = {
        "host": "192.0.2.1",
        "privateKey": "hidden",  # pragma: allowlist secret
        "dialErrorLimit": 0,
    }
    with pytest.raises(grpc.RpcError, match="privateKey can't be read") as caught:
        command.make(REMOTE, {"connection": connection, "create": "true"})
    assert "hidden" not in caught.value.details()


def test_an_agent_that_is_not_there_is_named(command: Plugin) -> None:
    connection = {"host": "192.0.2.1", "agentSocketPath": "/no/agent", "dialErrorLimit": 0}
    with pytest.raises(grpc.RpcError, match="no SSH agent answers at /no/agent"):
        command.make(REMOTE, {"connection": connection, "create": "true"})
