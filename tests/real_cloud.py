"""A real local cloud, driven by its command line."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND_SECONDS = 300


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Looks until it is so; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud in a directory and at a port of its own."""

    state_dir: Path
    port: int
    manifest: Path = ROOT / ".tenantry" / "toolchain.json"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.state_dir / "token").read_text().strip()

    @property
    def environment(self) -> Mapping[str, str]:
        settings = {
            "LOCAL_CLOUD_STATE_DIR": str(self.state_dir),
            "LOCAL_CLOUD_PORT": str(self.port),
            "LOCAL_CLOUD_TOOLCHAIN_MANIFEST": str(self.manifest),
        }
        return {**os.environ, **settings}

    def run(
        self, *arguments: str, check: bool = True, stdin: str = "", seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """`python -m local_cloud` with these arguments."""
        result = subprocess.run(
            [sys.executable, "-m", "local_cloud", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if check:
            assert result.returncode == 0, f"{' '.join(arguments[:2])} failed: {result.stderr}{result.stdout}"
        return result

    def exec(
        self, *command: str, check: bool = True, stdin: str = "", seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the operator."""
        return self.run("exec", "--", *command, check=check, stdin=stdin, seconds=seconds)

    def console(
        self,
        droplet: str,
        *command: str,
        check: bool = True,
        stdin: str = "",
        seconds: float = COMMAND_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in a droplet."""
        return self.run("console", droplet, "--", *command, check=check, stdin=stdin, seconds=seconds)


def needs_a_real_machine(manifest: Path) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the local cloud needs Linux and root")
    if not manifest.exists():
        pytest.fail(f"there is no {manifest}: run `python -m toolchain` first")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
