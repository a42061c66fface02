"""Tenants on a real local cloud, driven by the commands that a person would use."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import yaml
from real_cloud import ROOT, LocalCloud

from components.flows import HOST_TIERS
from components.naming import mesh_tag
from components.tailnet import Device, Tailnet
from stacks import policy_pack
from stacks.inventory import Inventory, Thing
from stacks.policy_pack import CONFIG

SECONDS = 600


def small_spec(tenant: str, number: int, **changes: Any) -> dict[str, Any]:
    """The smallest tenant: a guardrail and one agent, in a range of its own."""
    return {
        "tenant": tenant,
        "region": "nyc3",
        "ip_range": f"10.61.{number}.0/24",
        "agents": [{"name": "worker", "kind": "langchain", "model": "openai/gpt-5"}],
        "deletion_protection": False,
        **changes,
    }


PLATFORM = "platform"
CRASHES = (0, 3, 14, 22, 32, 42)
"""After how many created resources an engine is killed; an undisturbed `up` of a small tenant creates 46."""
TENANTS = (
    *("acme", "broken", "broken2", "calm", "globex", "hooli", "initech", "umbrella"),
    *(f"crash{moment}" for moment in CRASHES),
)
"""Every tenant of these tests: a cloud has one tailnet and one vault, so one platform has them all."""
COMING = ("newcomer", "soylent")
"""Tenants that tests add to it."""


def platform_spec(tenants: Sequence[str]) -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "Pulumi.platform.yaml").read_text())
    return {**content["config"]["tenantry:spec"], "tenants": list(tenants)}


@dataclass
class Platform:
    """One account of a cloud, and a folder with the specs of its tenants.

    The state is shared with the other accounts, as what they share is in it: the stack `platform`.
    """

    cloud: LocalCloud
    folder: Path
    state: Path
    token: str = field(repr=False)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "specs").mkdir(parents=True, exist_ok=True)
        self.write(PLATFORM, platform_spec(TENANTS))
        settings = {
            "data-deletion-protection": {"disposable_tenants": [*TENANTS, *COMING]},
            "droplet-image-allowed": {"images": ["debian-12-x64", "debian-13-x64"]},
        }
        (self.folder / "specs" / CONFIG).write_text(json.dumps(settings))
        # Once, as commands run side by side: one that reads while another writes would find no token.
        self._secret.touch(mode=0o600)
        self._secret.write_text(self.token)

    @property
    def _secret(self) -> Path:
        """Where the token is, which is no argument; a platform with another token may share the folder."""
        return self.folder / f"token-{sha256(self.token.encode()).hexdigest()[:16]}"

    def write(self, tenant: str, spec: Mapping[str, Any]) -> None:
        path = self.folder / "specs" / f"Pulumi.{tenant}.yaml"
        path.write_text(yaml.safe_dump({"config": {"tenantry:spec": dict(spec)}}))

    def copy_spec(self, tenant: str) -> None:
        content = yaml.safe_load((ROOT / f"Pulumi.{tenant}.yaml").read_text())
        self.write(tenant, content["config"]["tenantry:spec"])

    def change(self, tenant: str, **changes: Any) -> None:
        path = self.folder / "specs" / f"Pulumi.{tenant}.yaml"
        spec = yaml.safe_load(path.read_text())["config"]["tenantry:spec"]
        self.write(tenant, spec | changes)

    def command(self, *command: str) -> list[str]:
        """A command as the operator, with this platform's state, specs and account."""
        own = {
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "TENANTRY_PROJECT_DIR": str(self.folder / "project"),
            "TENANTRY_SPECS": str(self.folder / "specs"),
            **policy_pack.environment(self.folder / "project"),
            **self.environment,
        }
        settings = [f"{name}={value}" for name, value in own.items()]
        load = "export DIGITALOCEAN_TOKEN=$(cat $0) && export DIGITALOCEAN_ACCESS_TOKEN=$DIGITALOCEAN_TOKEN"
        inner = ["bash", "-c", f'{load} && exec "$@"', str(self._secret), *command]
        return [sys.executable, "-m", "local_cloud", "exec", "--", "env", *settings, *inner]

    def run(self, *command: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*command),
            cwd=ROOT,
            env=dict(self.cloud.environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{command[:4]} failed: {done.stderr[-3000:]}{done.stdout[-1000:]}"
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*command),
            cwd=ROOT,
            env=dict(self.cloud.environment),
            stderr=subprocess.PIPE,
            text=True,
        )

    def stacks(self, module: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("python", "-m", f"stacks.{module}", *arguments, check=check)

    def up(self, *tenants: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.stacks("up", *tenants, "--json").stdout)
        return report

    def verify(self, *tenants: str) -> list[dict[str, Any]]:
        """Every finding; the exit code says whether all is as it should be."""
        done = self.stacks("verify", *tenants, "--json", check=False)
        assert done.stdout, f"verify found nothing: {done.stderr}"
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["passed"] else 1), "one failure is a failure"
        findings: list[dict[str, Any]] = report["findings"]
        return findings

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        folder = str(self.folder / "project")
        return self.run("pulumi", "--cwd", folder, "--non-interactive", *arguments, check=check)

    def preview(self, tenant: str) -> dict[str, str]:
        """The operations that a preview announces, by logical name; what stays as it is left out."""
        self.stacks("project")
        steps = json.loads(self.pulumi("preview", "--stack", tenant, "--json").stdout)["steps"]
        return {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in steps if step["op"] != "same"}

    def things(self, tenant: str) -> list[Thing]:
        return self.inventory.of(tenant)

    def devices(self, tenant: str) -> list[Device]:
        """What the tailnet has of a tenant's."""
        key = (self.cloud.state_dir / "tailscale-api-key").read_text().strip()
        tags = {mesh_tag(tenant, tier) for tier in HOST_TIERS}
        with Tailnet({"TAILSCALE_BASE_URL": self.cloud.url, "TAILSCALE_API_KEY": key}) as tailnet:
            return [device for device in tailnet.devices() if device.tags & tags]

    @property
    def inventory(self) -> Inventory:
        return Inventory({"DIGITALOCEAN_TOKEN": self.token, "DIGITALOCEAN_API_URL": self.cloud.url})

    def api(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.cloud.url}{path}", headers=headers, json=body, timeout=60)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def tailscale(self, method: str, path: str, body: object = None) -> Any:
        """A call of Tailscale's API, below /api/v2."""
        key = (self.cloud.state_dir / "tailscale-api-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        url = f"{self.cloud.url}/api/v2{path}"
        answer = httpx.request(method, url, headers=headers, json=body, timeout=60)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


def kinds_and_names(things: Sequence[Thing], tenant: str) -> list[tuple[str, str]]:
    """What a tenant has, comparable between tenants: sorted, and with duplicates."""
    return sorted((thing.kind, thing.name.replace(tenant, "TENANT")) for thing in things)


def stop_after(process: subprocess.Popen[str], creations: int, number: signal.Signals) -> list[str]:
    """Signal an `up` once so many resources were created; returns what it printed.

    SIGKILL goes to the engine alone, as a crash would be the engine's; anything else to the command.
    """
    assert process.stderr is not None
    lines: list[str] = []
    created = 0
    if creations == 0:
        _signal(process, number)
    for line in process.stderr:
        lines.append(line)
        created += "  create " in line
        if created == creations > 0:
            _signal(process, number)
            created += 1
    process.wait(timeout=SECONDS)
    process.stderr.close()
    return lines


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if number != signal.SIGKILL:
        process.send_signal(number)
        return
    deadline = time.monotonic() + 60
    while not (engines := _engines(process.pid)):
        assert time.monotonic() < deadline, "the engine never started"
        assert process.poll() is None, "the command ended before its engine started"
        time.sleep(0.05)
    for engine in engines:
        with suppress(ProcessLookupError):
            os.kill(engine, number)


def _engines(parent: int) -> list[int]:
    found = []
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # some of the children live for a moment only
            if Path(f"/proc/{pid}/comm").read_text().strip() == "pulumi":
                found.append(int(pid))
    return found
