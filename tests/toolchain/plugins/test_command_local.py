"""Commands on this machine, through the stand-in."""

import os
import secrets
import time
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from plugin_client import Plugin

from toolchain.plugins.base.assets import ARCHIVE, ASSET
from toolchain.plugins.base.values import SIGNATURE, UNKNOWN, Properties, Secret, decode
from toolchain.plugins.command import globs

COMMAND = "command:local:Command"
RUN = "command:local:run"


def test_a_command_runs_on_create_update_and_delete(command: Plugin, tmp_path: Path) -> None:
    program = {"create": "echo one", "update": "echo two", "delete": f"echo three > {tmp_path / 'gone'}"}
    id, inputs, state = command.make(COMMAND, program)
    assert state["stdout"] == "one"
    state = command.update(COMMAND, id, state, inputs, {**inputs, "environment": {"A": "b"}})
    assert state["stdout"] == "two"
    command.delete(COMMAND, id, state)
    assert (tmp_path / "gone").read_text() == "three\n"


def test_create_runs_again_where_there_is_no_update(command: Plugin, tmp_path: Path) -> None:
    program = {"create": f"echo run >> {tmp_path / 'runs'}"}
    id, inputs, state = command.make(COMMAND, program)
    command.update(COMMAND, id, state, inputs, {**inputs, "environment": {}})
    assert (tmp_path / "runs").read_text() == "run\n" * 2


def test_what_is_not_given_does_not_run(command: Plugin) -> None:
    id, inputs, state = command.make(COMMAND, {"stdin": "text"})
    assert (state["stdout"], state["stderr"]) == ("", "")
    command.update(COMMAND, id, state, inputs, inputs)
    command.delete(COMMAND, id, state)


def test_a_command_is_given_its_input_its_environment_its_folder_and_its_interpreter(
    command: Plugin, tmp_path: Path
) -> None:
    program = {
        "create": "import os, sys; print(sys.stdin.read(), os.environ['NAME'], os.getcwd())",
        "interpreter": ["python3", "-c"],
        "stdin": "typed",
        "environment": {"NAME": "a value"},
        "dir": str(tmp_path),
    }
    _, _, state = command.make(COMMAND, program)
    assert state["stdout"] == f"typed a value {tmp_path}"


def test_the_previous_output_comes_back_unless_the_program_says_no(command: Plugin) -> None:
    program = {"create": "echo first; echo noise >&2"}
    again = {"update": 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"'}
    id, inputs, state = command.make(COMMAND, program)
    assert inputs["addPreviousOutputInEnv"] is True, "the official default"
    assert command.update(COMMAND, id, state, inputs, {**inputs, **again})["stdout"] == "first/noise"
    without = {**inputs, **again, "addPreviousOutputInEnv": False}
    assert command.update(COMMAND, id, state, inputs, without)["stdout"] == "/"


def test_files_that_globs_choose_come_back_as_assets(command: Plugin, tmp_path: Path) -> None:
    program = {
        "create": "mkdir deep; echo a > deep/a.txt; echo b > b.txt; echo c > secret.txt",
        "dir": str(tmp_path),
        "assetPaths": ["**.txt", "!secret*"],
        "archivePaths": ["deep/*"],
    }
    _, _, state = command.make(COMMAND, program)
    assert state["assets"].keys() == {"b.txt", "deep/a.txt"}
    found = state["assets"]["b.txt"]
    assert (found[SIGNATURE], found["path"]) == (ASSET, str(tmp_path / "b.txt"))
    assert state["archive"][SIGNATURE] == ARCHIVE
    assert state["archive"]["assets"].keys() == {"deep/a.txt"}


@pytest.mark.parametrize(
    ("glob", "chosen"),
    [
        ("*.js", ["a.js"]),
        ("**.js", ["a.js", "src/b.js", "src/deep/c.js"]),
        ("src/*", ["src/b.js", "src/x+y"]),
        ("src/?.js", ["src/b.js"]),
        ("src/[bx]*", ["src/b.js", "src/x+y"]),
        ("src/[!b]*", ["src/x+y"]),
        ("{a,src/b}.js", ["a.js", "src/b.js"]),
        ("src/x+y", ["src/x+y"]),
        (r"src/\*", []),
    ],
)
def test_globs_choose_as_the_official_ones_do(tmp_path: Path, glob: str, chosen: list[str]) -> None:
    for name in ("a.js", "src/b.js", "src/deep/c.js", "src/x+y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(globs.assets(tmp_path, [glob])) == chosen


def test_a_failure_has_its_exit_code_and_output_and_no_input(command: Plugin) -> None:
    hidden = secrets.token_hex(8)
    program = {
        "create": "cat > /dev/null; echo partly; echo no such thing >&2; exit 3",
        "stdin": hidden,
        "environment": {"HIDDEN": hidden},
    }
    with pytest.raises(grpc.RpcError) as caught:
        command.make(COMMAND, program)
    said = caught.value.details()
    for part in ("local:Command thing", "exit status 3", "partly", "no such thing"):
        assert part in said, "what is needed to act on it"
    assert hidden not in said, "neither standard input nor environment is part of an error"


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"dir": "/no/such/folder"}, '"dir": there is no /no/such/folder'),
        ({"interpreter": ["/no/such/shell"]}, "there is no /no/such/shell; correct"),
        ({"dir": "/dev/null"}, '"dir": /dev/null is no directory'),
    ],
)
def test_a_command_that_can_not_start_names_what_is_missing(
    command: Plugin, inputs: Properties, reason: str
) -> None:
    with pytest.raises(grpc.RpcError, match=reason):
        command.make(COMMAND, {"create": "true", **inputs})


def test_a_command_that_reads_nothing_is_no_failure(command: Plugin) -> None:
    _, _, state = command.make(COMMAND, {"create": "true", "stdin": "x" * 1_000_000})
    assert state["stdout"] == ""


def test_a_cancelled_update_kills_all_that_a_command_has_started(command: Plugin, tmp_path: Path) -> None:
    inputs = command.checked(COMMAND, {"create": f"sleep 600 & echo $! > {tmp_path / 'pid'}; wait"})
    failures: list[str] = []

    def create() -> None:
        try:
            command.create(COMMAND, inputs)
        except grpc.RpcError as error:
            failures.append(error.details())

    thread = Thread(target=create)
    thread.start()
    child = eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    command.cancel()
    thread.join(timeout=10)
    assert "cancelled by the engine" in failures[0]
    assert eventually(lambda: not Path(f"/proc/{child}/fd").exists() or is_zombie(child)), "also its child"


def is_zombie(pid: str) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def eventually(condition: Any, seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def test_a_secret_input_is_one_in_the_state_and_the_output_is_not(command: Plugin) -> None:
    _, _, state = command.make(COMMAND, {"create": "echo out", "stdin": Secret("typed")})
    assert isinstance(state["stdin"], Secret)
    assert state["stdout"] == "out", "as in the official provider: additionalSecretOutputs makes it one"


def test_a_preview_runs_nothing_and_knows_no_output(command: Plugin, tmp_path: Path) -> None:
    inputs = command.checked(COMMAND, {"create": f"touch {tmp_path / 'made'}", "stdin": UNKNOWN})
    _, state = command.create(COMMAND, inputs, preview=True)
    assert state["stdout"] is UNKNOWN
    assert not (tmp_path / "made").exists()


def test_a_refresh_finds_a_command_as_it_was(command: Plugin) -> None:
    id, inputs, state = command.make(COMMAND, {"create": "echo one"})
    read = command.read(COMMAND, id, state, inputs)
    assert (read.id, decode(read.properties), decode(read.inputs)) == (id, state, inputs)
    with pytest.raises(grpc.RpcError, match="can't be imported"):
        command.read(COMMAND, id)


def test_the_function_runs_a_command_at_once(command: Plugin) -> None:
    result = command.invoke(RUN, command="cat; echo $A", stdin="typed", environment={"A": "b"})
    assert (result["stdout"], result["stderr"], result["command"]) == ("typedb", "", "cat; echo $A")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, 'needs the input "command"'),
        ({"command": "true", "create": "true"}, 'has no input "create"'),
        ({"command": "true", "logging": "loud"}, '"loud" is no way to log'),
    ],
)
def test_the_function_names_an_argument_that_is_wrong(
    command: Plugin, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(grpc.RpcError, match=reason):
        command.invoke(RUN, **arguments)


def test_another_function_is_named(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"command:local:walk: .* lacks this function"):
        command.invoke("command:local:walk", command="true")


def test_the_environment_of_the_plugin_is_the_commands_too(
    command: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "yes")
    _, _, state = command.make(COMMAND, {"create": "echo $FROM_OUTSIDE $HOME"})
    assert state["stdout"] == f"yes {os.environ.get('HOME', '')}".strip()
