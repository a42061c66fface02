"""Who asked what is on record twice, hashed; and no device makes a request wait."""

import contextlib
import json
import os
import secrets
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
from vault_server import RunningVault, running_vault

REQUESTS = 300
HELD_UP_SECONDS = 2.0
"""What a blocked socket would hold each request up for; one takes a two-hundredth of it here."""


@contextlib.contextmanager
def _listening(vault: RunningVault, buffer_bytes: int = 1 << 20) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        listener.bind(("127.0.0.1", vault.collector_port))
        listener.settimeout(0)
        yield listener


def _datagrams(listener: socket.socket) -> list[dict[str, Any]]:
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(json.loads(listener.recv(65_535)))
    return found


def _paths(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(record["type"], record["request"]["path"]) for record in records]


def _held_up(vault: RunningVault) -> int:
    """How many of many requests, one after another."""
    client, held_up = vault.operator, 0
    for _ in range(REQUESTS):
        started = time.monotonic()
        client.auth.token.lookup_self()
        held_up += time.monotonic() - started >= HELD_UP_SECONDS
    return held_up


def test_both_devices_have_each_request_and_its_answer(platform_vault: RunningVault) -> None:
    file = platform_vault.directory / "audit.log"
    before = len(file.read_text().splitlines())
    with _listening(platform_vault) as listener:
        platform_vault.operator.auth.token.lookup_self()
        in_datagrams = _paths(_datagrams(listener))
    in_file = _paths([json.loads(line) for line in file.read_text().splitlines()[before:]])
    expected = [("request", "auth/token/lookup-self"), ("response", "auth/token/lookup-self")]
    assert in_file == in_datagrams == expected


def test_no_secret_is_in_the_audit_or_the_servers_log_or_its_arguments(platform_vault: RunningVault) -> None:
    secret = secrets.token_hex(20)
    with _listening(platform_vault) as listener:
        platform_vault.operator.write_data(
            "tenants/globex/keys/data/providers/openai", data={"data": {"key": secret}}
        )
        datagrams = json.dumps(_datagrams(listener))
    assert "tenants/globex/keys/data/providers/openai" in datagrams, "the request itself is there"
    directory = platform_vault.directory
    texts = {name: (directory / name).read_text() for name in ("audit.log", "server.log", "bao.json")}
    arguments = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    texts |= {"datagrams": datagrams, "ps": b"\n".join(arguments).decode(errors="replace")}
    hidden = [
        secret,
        platform_vault.root_token,
        platform_vault.operator_token,
        platform_vault.unseal_key,
    ]
    assert not [name for name, text in texts.items() if any(value in text for value in hidden)]


def test_the_audit_file_is_for_its_owner_alone(platform_vault: RunningVault) -> None:
    mode = (platform_vault.directory / "audit.log").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_collector_that_takes_nothing_makes_no_request_wait(platform_vault: RunningVault) -> None:
    with _listening(platform_vault, buffer_bytes=4096) as blocked:
        assert _held_up(platform_vault) < REQUESTS / 10, "a busy machine may hold up one or two"
        assert 0 < len(_datagrams(blocked)) < 2 * REQUESTS, "its buffer was full, and the rest was dropped"


def test_a_collector_that_is_not_there_makes_no_request_wait(platform_vault: RunningVault) -> None:
    assert _held_up(platform_vault) < REQUESTS / 10, "a busy machine may hold up one or two"


def test_a_device_that_did_block_would_make_every_request_wait(tmp_path: Path) -> None:
    """Why neither of ours can: a full pipe in the place of the file is like a network disk that hangs."""
    with running_vault(tmp_path):
        pass
    with _pipe_that_nobody_reads(tmp_path / "audit.log"), running_vault(tmp_path) as vault:
        client = vault.client(vault.operator_token, seconds=2)
        with pytest.raises(requests.ReadTimeout), _drained_afterwards(tmp_path / "audit.log"):
            _ask_until_it_hangs(client)


def _ask_until_it_hangs(client: hvac.Client) -> None:
    for _ in range(REQUESTS):
        client.auth.token.lookup_self()


@contextlib.contextmanager
def _pipe_that_nobody_reads(path: Path) -> Iterator[None]:
    path.unlink()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR)
    yield
    os.close(reader)


@contextlib.contextmanager
def _drained_afterwards(pipe: Path) -> Iterator[None]:
    """So that the server can end."""

    def drain() -> None:
        with pipe.open("rb", buffering=0) as reader:
            while reader.read(65_536):
                pass

    try:
        yield
    finally:
        threading.Thread(target=drain, daemon=True).start()
