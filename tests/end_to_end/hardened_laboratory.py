"""Single hosts, made of user-data alone in a VPC of their own, without a stack around them."""

import subprocess
import time
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx
from real_cloud import LocalCloud

from components.cloud_init import HostConfig, MeshJoin, user_data
from components.flows import Endpoint
from components.naming import mesh_tag

RANGE = "10.201.0.0/24"
COORDINATION = "192.200.0.101"
BOOT_SECONDS = 180
SSH_SECONDS = "15"
SSH_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=5",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A private key, and a certificate beside it, as the vault's CA would sign it."""

    key: Path

    def sign(self, ca: Path, principal: str) -> None:
        command = ["ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", principal, "-V", "+1h"]
        subprocess.run([*command, f"{self.key}.pub"], check=True, capture_output=True)


@dataclass(frozen=True, kw_only=True)
class Host:
    """A booted droplet."""

    cloud: LocalCloud
    id: int
    name: str
    tier: Endpoint
    key: str
    vpc_address: str

    def run(self, command: str, *, stdin: str = "", seconds: float = 60) -> str:
        """What a command says to root on the console."""
        return self.cloud.console(
            str(self.id), "sh", "-c", command, check=False, stdin=stdin, seconds=seconds
        ).stdout.strip()

    @property
    def address(self) -> str:
        return self.run("tailscale ip -4")

    def ssh(self, login: Login, command: str = "whoami", user: str = "tenantry") -> tuple[int, str]:
        """As the operator, over the mesh. A connection that a ban cuts off is given up."""
        given = [word for option in SSH_OPTIONS for word in ("-o", option)]
        ssh = ("timeout", SSH_SECONDS, "ssh", "-F", "none", *given, "-i", str(login.key))
        result = self.cloud.exec(*ssh, f"{user}@{self.address}", command, check=False)
        return result.returncode, f"{result.stdout}{result.stderr}".strip()


class Laboratory:
    """A VPC with the hosts that the tests look at."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.ca = self._key("ca")
        token = {"Authorization": f"Bearer {cloud.token}"}
        self.api = httpx.Client(base_url=cloud.url, headers=token, timeout=60)
        key = (cloud.state_dir / "tailscale-api-key").read_text().strip()
        self.tailnet = httpx.Client(base_url=f"{cloud.url}/api/v2", auth=(key, ""), timeout=60)
        vpc = {"name": "hardened-vpc", "region": "nyc3", "ip_range": RANGE}
        self.vpc = self._post("/v2/vpcs", vpc)["vpc"]["id"]
        routed = {"vpc_uuid": self.vpc, "default_gateway": True}
        gateway = {"name": "hardened-nat", "type": "PUBLIC", "region": "nyc3", "size": 1, "vpcs": [routed]}
        self.gateway = self._post("/v2/vpc_nat_gateways", gateway)["vpc_nat_gateway"]["id"]
        self.hosts: list[Host] = []

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.api.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def _key(self, name: str) -> Path:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path

    def login(self, name: str, principal: str) -> Login:
        login = Login(key=self._key(name))
        login.sign(self.ca, principal)
        return login

    def mesh_key(self, tier: Endpoint) -> str:
        tags = [mesh_tag("acme", tier)]
        create = {"reusable": False, "ephemeral": True, "preauthorized": True, "tags": tags}
        body = {"capabilities": {"devices": {"create": create}}, "expirySeconds": 600}
        answer = self.tailnet.post("/tailnet/-/keys", json=body)
        assert answer.is_success, answer.text
        key: str = answer.json()["key"]
        return key

    def host(self, name: str, tier: Endpoint, key: str | None = None) -> Host:
        """A host at the end of its first boot."""
        key = key or self.mesh_key(tier)
        body: dict[str, Any] = {
            "name": name,
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "image": "debian-12-x64",
        }
        body |= {"vpc_uuid": self.vpc, "public_networking": False}
        body["user_data"] = self._user_data(name, tier, key)
        made = self._post("/v2/droplets", body)["droplet"]["id"]
        droplet = self._when_active(made)
        address = droplet["networks"]["v4"][0]["ip_address"]
        host = Host(cloud=self.cloud, id=made, name=name, tier=tier, key=key, vpc_address=address)
        self.hosts.append(host)
        host.run("cloud-init status --wait", seconds=BOOT_SECONDS)
        return host

    def _user_data(self, name: str, tier: Endpoint, key: str) -> str:
        join = MeshJoin(
            hostname=f"{name}-01234567",
            auth_key=key,
            login_server=f"https://{COORDINATION}",
            coordination=(f"{COORDINATION}/32",),
            peers=("198.18.255.0/24",),
        )
        ca = Path(f"{self.ca}.pub").read_text()
        return user_data(
            HostConfig(
                hostname=name, tenant="acme", tier=tier, ip_range=IPv4Network(RANGE), mesh=join, ssh_ca=ca
            )
        )

    def _when_active(self, droplet_id: int) -> Any:
        deadline = time.monotonic() + BOOT_SECONDS
        while (found := self.api.get(f"/v2/droplets/{droplet_id}").json()["droplet"])["status"] != "active":
            assert time.monotonic() < deadline, f"droplet {droplet_id} has not booted"
            time.sleep(0.1)
        return found

    def close(self) -> None:
        for host in self.hosts:
            self.api.delete(f"/v2/droplets/{host.id}")
        names = {f"{host.name}-01234567" for host in self.hosts}
        for device in self.tailnet.get("/tailnet/-/devices").json()["devices"]:
            if device["hostname"] in names:
                self.tailnet.delete(f"/device/{device['nodeId']}")
        self.api.delete(f"/v2/vpc_nat_gateways/{self.gateway}")
        self.api.delete(f"/v2/vpcs/{self.vpc}")
        self.api.close()
        self.tailnet.close()
