"""Droplets of the local cloud with data volumes, and the runtime's own code inside them."""

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from real_cloud import LocalCloud

BOOT_SECONDS = 120.0

_PROGRAM = """\
import base64, json, logging, sys
sys.path.insert(0, "/root/agent_runtime.pyz")
from pathlib import Path
from agent_runtime.errors import HostError
from agent_runtime.places import Places
from agent_runtime.volume import DataVolume
logging.basicConfig(level=logging.INFO)
given = json.load(sys.stdin)
volume = DataVolume(given["volume"], given["host"], Places())
try:
    if given["do"] == "lock":
        volume.lock()
    else:
        volume.unlock(lambda: base64.b64decode(given["key"]), seconds=5)
except HostError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True, kw_only=True)
class Api:
    """DigitalOcean's API of the local cloud, as much of it as a volume needs."""

    cloud: LocalCloud

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.cloud.token}"}
        answer = httpx.request(method, f"{self.cloud.url}/v2{path}", headers=headers, json=body, timeout=60)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def droplet(self, name: str, vpc: str) -> int:
        body = {
            "name": name,
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "image": "debian-12-x64",
            "vpc_uuid": vpc,
            "public_networking": False,
            "user_data": "#cloud-config\n",
        }
        made: int = self.call("POST", "/droplets", body)["droplet"]["id"]
        deadline = time.monotonic() + BOOT_SECONDS
        while self.call("GET", f"/droplets/{made}")["droplet"]["status"] != "active":
            assert time.monotonic() < deadline, f"{name} does not boot"
            time.sleep(0.2)
        return made

    def remove_droplet(self, droplet: int) -> None:
        """Delete it, and wait until it has gone: only then is its VPC empty."""
        self.call("DELETE", f"/droplets/{droplet}")
        deadline = time.monotonic() + BOOT_SECONDS
        while any(each["id"] == droplet for each in self.call("GET", "/droplets?per_page=200")["droplets"]):
            assert time.monotonic() < deadline, f"droplet {droplet} does not go"
            time.sleep(0.1)

    def volume(self, name: str) -> str:
        body = {"name": name, "region": "nyc3", "size_gigabytes": 1, "description": "a test's"}
        made: str = self.call("POST", "/volumes", body)["volume"]["id"]
        return made

    def act(self, volume: str, **action: Any) -> None:
        """Do it, and wait until it is done."""
        asked = self.call("POST", f"/volumes/{volume}/actions", {"region": "nyc3", **action})["action"]
        deadline = time.monotonic() + BOOT_SECONDS
        while self.call("GET", f"/actions/{asked['id']}")["action"]["status"] != "completed":
            assert time.monotonic() < deadline, f"{action} is not done"
            time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class VolumeHost:
    """A droplet that has the release, entered by the console."""

    api: Api
    name: str
    droplet: int

    def attach(self, volume: str) -> None:
        self.api.act(volume, type="attach", droplet_id=self.droplet)

    def detach(self, volume: str) -> None:
        self.api.act(volume, type="detach", droplet_id=self.droplet)

    def let_go(self, volume: str) -> None:
        """Unmount and detach it, if this host has it."""
        if self.droplet in self.api.call("GET", f"/volumes/{volume}")["volume"]["droplet_ids"]:
            self.shell("umount /var/lib/tenantry/data; umount /var/lib/tenantry/volume", check=False)
            self.detach(volume)

    def deliver(self, archive: Path, fscrypt: Path) -> None:
        for file, place in ((archive, "/root/agent_runtime.pyz"), (fscrypt, "/etc/fscrypt.conf")):
            content = base64.b64encode(file.read_bytes()).decode()
            self.shell(f"base64 -d > {place}", stdin=content)

    def shell(self, script: str, *, stdin: str = "", check: bool = True) -> str:
        done = self.api.cloud.run("console", self.name, "--", "sh", "-c", script, stdin=stdin, check=check)
        return done.stdout + done.stderr

    def unlock(self, volume: str, key: bytes, *, host: str = "acme-agent-writer-1") -> str:
        """What it says: nothing of an error when it worked."""
        sent = {"do": "unlock", "volume": volume, "host": host, "key": base64.b64encode(key).decode()}
        return self._do(sent)

    def lock(self, volume: str) -> str:
        return self._do({"do": "lock", "volume": volume, "host": "acme-agent-writer-1"})

    def _do(self, sent: dict[str, str]) -> str:
        done = self.api.cloud.run(
            "console",
            self.name,
            "--",
            "/usr/bin/python3",
            "-c",
            _PROGRAM,
            stdin=json.dumps(sent),
            check=False,
        )
        return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
