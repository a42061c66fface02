from __future__ import annotations

import http.server
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolchain import __main__ as command
from toolchain import engine, installer, preflight, setup
from toolchain.cache import Cache
from toolchain.engine import Engine
from toolchain.errors import DiskFullError, InstallerError, InterruptedBuildError, ToolchainError
from toolchain.workshop import Workshop


class Answers(http.server.BaseHTTPRequestHandler):
    """An installer that leaves a whole installation, or fails."""

    body = b""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


WHOLE = b"""
while [ "$1" != --install-root ]; do shift; done
mkdir -p "$2/bin"
touch "$2/bin/pulumi" "$2/bin/pulumi-language-python" "$2/bin/pulumi-language-python-exec"
"""


def test_the_official_installer_is_used_where_it_answers(
    workshop: Workshop, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "body", WHOLE)
    assert installer.reachable({}, server), "it answers"
    used = installer.install(workshop, server)
    assert used.pulumi.is_file(), "it left the engine in the cache"
    assert used.pulumi.is_relative_to(workshop.cache.root), "and nothing in the home directory"
    assert used.why == f"{engine.VERSION} by the official installer", "the table says so"
    assert installer.is_installed(workshop), "the next run need not ask again"


@pytest.mark.parametrize(
    ("script", "reason"),
    [(b"echo not today; exit 1", "not today"), (b"exit 0", "left no pulumi, pulumi-language-python")],
)
def test_an_official_installer_that_fails_is_named_and_leaves_nothing(
    workshop: Workshop, server: str, monkeypatch: pytest.MonkeyPatch, script: bytes, reason: str
) -> None:
    monkeypatch.setattr(Answers, "body", script)
    with pytest.raises(InstallerError, match=reason):
        installer.install(workshop, server)
    assert not installer.is_installed(workshop), "half an installation is not used"


def test_the_installer_is_not_asked_when_told_not_to(server: str) -> None:
    assert not installer.reachable({"TENANTRY_OFFLINE_INSTALLER": "skip"}, server), "no connection is made"


def test_an_installer_that_does_not_answer_costs_no_more_than_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installer, "REACHABLE_WITHIN", 0.2)
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as silent:
        started = time.monotonic()
        assert not installer.reachable({}, f"http://127.0.0.1:{silent.server_port}"), "it never answers"
        assert time.monotonic() - started < 2, "and is given up at once"


def test_a_failed_official_installer_leads_to_the_recipe_and_its_reason_is_kept(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Workshop) -> Engine:
        raise InstallerError("the official installer left no pulumi")

    def makes(_: Workshop, why: str) -> Engine:
        return Engine(pulumi=Path("/p"), version="1", folders=(), why=why)

    monkeypatch.setattr(installer, "reachable", lambda _: True)
    monkeypatch.setattr(installer, "install", fails)
    monkeypatch.setattr(engine, "make", makes)
    used = setup.provide_engine(workshop, ["/bin/pulumi is 3.1.0, older than 3.255.0"])
    assert used.why == (
        "built by the recipe; /bin/pulumi is 3.1.0, older than 3.255.0; the official installer left no pulumi"
    ), "every way that was tried before is told"


def test_an_engine_that_was_found_needs_no_room_for_another(cache: Cache) -> None:
    whole = setup.space_needed(cache, with_engine=True)
    assert setup.space_needed(cache, with_engine=False) < whole, "its build is the largest part"
    cache.path(engine.PULUMI).mkdir(parents=True)
    assert setup.space_needed(cache, with_engine=True) == whole - setup.SPACE[engine.PULUMI], (
        "nor what is made"
    )


def test_a_disk_without_room_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free // 2**20
    preflight.check_space(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(
        DiskFullError, match=rf"{tmp_path}/cache has \d+ MiB free, and {free + 10**6} MiB are"
    ):
        preflight.check_space(tmp_path / "cache", free + 10**6)


@pytest.mark.parametrize(
    ("module", "attribute", "value", "message"),
    [
        (sys, "platform", "darwin", "this machine runs darwin"),
        (platform, "machine", lambda: "aarch64", "this machine is aarch64"),
        (os, "geteuid", lambda: 1000, "user id 1000 is not root: run it again with sudo"),
    ],
)
def test_a_machine_that_will_not_do_is_told_why(
    module: Any, attribute: str, value: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, attribute, value)
    with pytest.raises(ToolchainError, match=message):
        preflight.check_machine()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ToolchainError("no network [here]"), 1, "toolchain: no network [here]"),
        (
            OSError(28, "No space left on device", "/cache/x"),
            1,
            "the disk is full at /cache/x: free some space",
        ),
        (KeyboardInterrupt(), 130, "interrupted: what is complete stays in the cache"),
        (InterruptedBuildError("go was stopped"), 130, "interrupted"),
    ],
)
def test_each_bad_situation_ends_with_one_clear_line(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(command, "check_machine", lambda: None)
    monkeypatch.setattr(command, "set_up", fails)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    assert command.main(["--clone", str(tmp_path)]) == status, "the status says what kind of end it was"
    assert said in capsys.readouterr().err.replace("\n", " "), "and one line says what to do"
