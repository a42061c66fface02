"""A local cloud of the benchmark's own, with its own state and port, gone when it is over."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

CLONE = Path(__file__).resolve().parents[1]
DEADLINE = 900
"""Seconds for any one command."""
FIRST_RANGE = 0x0A3E0000
"""10.62.0.0, far from the ranges that the ledger gives."""


class CommandFailedError(Exception):
    """A command of the benchmark failed; the message has what it said last."""


class Cloud:
    """A context: up when entered, down and deleted when left."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tenantry-bench-"))
        self._port = _free_port()
        self._specs = self.folder / "specs"
        self._specs.mkdir()
        self._ranges = 0

    def __enter__(self) -> Self:
        try:
            self.local_cloud("up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.local_cloud("down")
        shutil.rmtree(self.folder)

    @property
    def environment(self) -> dict[str, str]:
        """What points every command to this cloud."""
        return {
            **os.environ,
            "LOCAL_CLOUD_STATE_DIR": str(self.folder / "cloud"),
            "LOCAL_CLOUD_PORT": str(self._port),
            "LOCAL_CLOUD_TOOLCHAIN_MANIFEST": str(CLONE / ".tenantry" / "toolchain.json"),
        }

    def local_cloud(self, *arguments: str) -> str:
        """`python -m local_cloud …`. Raises CommandFailedError."""
        return run((sys.executable, "-m", "local_cloud", *arguments), self.environment)

    def inside(self, *command: str) -> str:
        """A command where `pulumi` reaches this cloud, with state and specs of its own."""
        own = {
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "TENANTRY_PROJECT_DIR": str(self.folder / "project"),
            "TENANTRY_SPECS": str(self._specs),
        }
        (self.folder / "state").mkdir(exist_ok=True)
        return self.local_cloud("exec", "--", "env", *(f"{k}={v}" for k, v in own.items()), *command)

    def platform(self, *tenants: str) -> None:
        """Bring the platform up, with these tenants and the mesh of the clone's own spec."""
        name = "Pulumi.platform.yaml"
        content = yaml.safe_load((CLONE / name).read_text())
        content["config"]["tenantry:spec"]["tenants"] = list(tenants)
        (self._specs / name).write_text(yaml.safe_dump(content))
        settings = {"data-deletion-protection": {"disposable_tenants": list(tenants)}}
        (self._specs / "policies-config.json").write_text(json.dumps(settings))
        self.inside("python", "-m", "stacks.up", "platform")

    def spec(self, tenant: str, agents: int) -> None:
        """Write the spec of a tenant with so many agents, in a range of its own."""
        block = socket.inet_ntoa((FIRST_RANGE + 256 * self._ranges).to_bytes(4, "big"))
        self._ranges += 1
        agent = {"name": "worker", "kind": "langchain", "model": "openai/gpt-5", "replicas": agents}
        spec = {
            "tenant": tenant,
            "region": "nyc3",
            "ip_range": f"{block}/24",
            "agents": [agent],
            "deletion_protection": False,
        }
        path = self._specs / f"Pulumi.{tenant}.yaml"
        path.write_text(yaml.safe_dump({"config": {"tenantry:spec": spec}}))

    def api(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One call of the API."""
        token = (self.folder / "cloud" / "token").read_text().strip()
        response = httpx.request(
            method,
            f"http://127.0.0.1:{self._port}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        response.raise_for_status()
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def wait_for_boot(self, hosts: Sequence[str]) -> None:
        """Return when cloud-init has finished in every host. Raises CommandFailedError."""
        wait = "until [ -e /run/cloud-init/result.json ]; do sleep 0.05; done"
        command = (sys.executable, "-m", "local_cloud", "console")
        waiting = [
            subprocess.Popen([*command, host, "--", "sh", "-c", wait], env=self.environment) for host in hosts
        ]
        for host, process in zip(hosts, waiting, strict=True):
            if process.wait(DEADLINE):
                msg = f"the console of {host} ended with {process.returncode}"
                raise CommandFailedError(msg)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """A command's output. Raises CommandFailedError."""
    done = subprocess.run(
        command, env=environment, cwd=CLONE, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    if done.returncode:
        msg = (
            f"{' '.join(command[:6])} … ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}"
        )
        raise CommandFailedError(msg)
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
