"""What is seen to be wrong before a local cloud is started, in the words that its user gets."""

import socket
from pathlib import Path

import pytest

from local_cloud.__main__ import INTERRUPTED, main
from local_cloud.commands import inside
from local_cloud.lifecycle.preflight import PreflightError, bind, make_state_directory


def test_a_state_directory_is_its_owners_alone(tmp_path: Path) -> None:
    make_state_directory(tmp_path / "state" / "of it")
    assert (tmp_path / "state" / "of it").stat().st_mode & 0o777 == 0o700, "it holds passwords and keys"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_state_directory_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PreflightError, match=f"{tmp_path / place}.*LOCAL_CLOUD_STATE_DIR"):
        make_state_directory(tmp_path / place)


def test_a_port_that_is_taken_is_said_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PreflightError) as caught:
            bind(port)
    message = str(caught.value)
    assert message.startswith(f"port {port} on 127.0.0.1 can't be had (Address already in use; it belongs to")
    assert "LOCAL_CLOUD_PORT" in message


def test_an_interrupt_ends_a_command_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(inside, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == INTERRUPTED, "as a shell reports Ctrl-C"
