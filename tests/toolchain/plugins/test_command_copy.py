"""Copies to another host, against a real sshd."""

from pathlib import Path

import grpc
import pytest
from plugin_client import Plugin
from real_sshd import SshServer

from toolchain.plugins.base.assets import ARCHIVE, ASSET
from toolchain.plugins.base.values import SIGNATURE, Properties, Secret, reveal

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("no_agent")]

COPY = "command:remote:CopyToRemote"


def asset(path: Path, hash: str) -> Properties:
    return {SIGNATURE: ASSET, "hash": hash, "path": str(path)}


def test_a_file_is_copied_and_copied_again_when_its_contents_change(
    command: Plugin, host: SshServer, key: str, tmp_path: Path
) -> None:
    source = tmp_path / "release"
    source.write_bytes(b"one")
    program = {
        "connection": host.connection(privateKey=key),
        "source": asset(source, "1"),
        "remotePath": "/mnt/copy",
    }
    id, inputs, state = command.make(COPY, program)
    assert (host.folder / "copy").read_bytes() == b"one"
    same = {**inputs, "source": asset(tmp_path / "elsewhere", "1")}
    assert not command.diff(COPY, state, inputs, same).diffs, "where the file lies makes no difference"
    source.write_bytes(b"two")
    news = {**inputs, "source": asset(source, "2")}
    found = command.diff(COPY, state, inputs, news)
    assert (list(found.diffs), list(found.replaces)) == (["source"], []), "an update, no replacement"
    command.update(COPY, id, state, inputs, news)
    assert (host.folder / "copy").read_bytes() == b"two"
    command.delete(COPY, id, state)
    assert (host.folder / "copy").exists(), "a deletion leaves it, as the official provider does"


def test_a_change_of_the_connection_alone_copies_nothing(
    command: Plugin, host: SshServer, key: str, tmp_path: Path
) -> None:
    source = tmp_path / "release"
    source.write_bytes(b"one")
    program = {
        "connection": host.connection(privateKey=key),
        "source": asset(source, "1"),
        "remotePath": "/mnt/copy",
    }
    id, inputs, state = command.make(COPY, program)
    (host.folder / "copy").unlink()
    nowhere = {**reveal(inputs["connection"]), "host": "192.0.2.1"}
    command.update(COPY, id, state, inputs, {**inputs, "connection": Secret(nowhere)})
    assert not (host.folder / "copy").exists()


def test_a_folder_is_copied_as_cp_would(command: Plugin, host: SshServer, key: str, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "page").write_text("page")
    for path, copied in ((str(folder), "out/site/deep/page"), (f"{folder}/", "out2/deep/page")):
        target = "/mnt/" + copied.split("/")[0]
        archive = {SIGNATURE: ARCHIVE, "hash": "1", "path": path}
        connection = host.connection(privateKey=key)
        command.make(COPY, {"connection": connection, "source": archive, "remotePath": target})
        assert (host.folder / copied).read_text() == "page"


def test_a_text_is_copied_into_a_file(command: Plugin, host: SshServer, key: str) -> None:
    source = {SIGNATURE: ASSET, "hash": "1", "text": "grüße"}
    connection = host.connection(privateKey=key)
    command.make(COPY, {"connection": connection, "source": source, "remotePath": "/mnt/text"})
    assert (host.folder / "text").read_text() == "grüße"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/mnt/no/such/folder", "there is no folder /mnt/no/such; make it first"),
        ("/etc/nothing", "can't be written on the host"),
    ],
)
def test_a_copy_that_can_not_be_written_names_the_path(
    command: Plugin, host: SshServer, key: str, path: str, reason: str
) -> None:
    source = {SIGNATURE: ASSET, "hash": "1", "text": "text"}
    connection = host.connection(privateKey=key)
    with pytest.raises(grpc.RpcError, match=reason):
        command.make(COPY, {"connection": connection, "source": source, "remotePath": path})
