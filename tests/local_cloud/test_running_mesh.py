"""Droplets on the mesh, as their user-data makes them join: behind a NAT gateway and a cloud firewall."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from real_cloud import LocalCloud, eventually

pytestmark = pytest.mark.end_to_end

TAG = "tag:tenant-joints-agent"
USER_DATA = """#cloud-config
write_files:
  - path: /run/mesh-key
    permissions: "0600"
    content: {key}
runcmd:
  - [systemctl, enable, --now, tailscaled]
  - [tailscale, up, "--login-server=https://192.200.0.101", "--auth-key=file:/run/mesh-key",
     "--hostname={name}", --netfilter-mode=off, --accept-dns=false, --timeout=60s]
  - [rm, /run/mesh-key]
"""
RELAY = {"protocol": "tcp", "ports": "443", "destinations": {"addresses": ["192.200.0.101/32"]}}
STUN = {"protocol": "udp", "ports": "3478", "destinations": {"addresses": ["192.200.0.101/32"]}}
PEERS = {"protocol": "udp", "ports": "41641", "destinations": {"addresses": ["198.18.255.0/24"]}}
TAGS = {"tagOwners": {"tag:control-plane": [], "tag:vault": [], TAG: []}}
OPEN = {**TAGS, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}
NARROW = {**TAGS, "acls": [{"action": "accept", "src": ["tag:control-plane"], "dst": [f"{TAG}:22"]}]}


class Tenant:
    """A VPC with a way out, and what is in it; taken away again at the end."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self._droplets = httpx.Client(
            base_url=f"{cloud.url}/v2", headers={"Authorization": f"Bearer {cloud.token}"}, timeout=120
        )
        key = (cloud.state_dir / "tailscale-api-key").read_text().strip()
        self._tailnet = httpx.Client(
            base_url=f"{cloud.url}/api/v2/tailnet/-",
            auth=(key, ""),
            headers={"Accept": "application/json"},
            timeout=60,
        )
        self._made: list[str] = []
        self.vpc = ""
        self._policy_before: dict[str, Any] = self._tailnet.get("/acl").raise_for_status().json()

    def prepare(self) -> None:
        self.set_policy(OPEN)
        vpc = {"name": "mesh-joints", "region": "nyc3", "ip_range": "10.77.0.0/24"}
        self.vpc = self.make("/vpcs", vpc)["vpc"]["id"]
        gateway = {"name": "mesh-joints", "type": "PUBLIC", "region": "nyc3", "size": 1}
        self.make("/vpc_nat_gateways", {**gateway, "vpcs": [{"vpc_uuid": self.vpc, "default_gateway": True}]})

    def make(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._droplets.post(path, json=body)
        assert answer.is_success, f"POST {path}: {answer.text}"
        made: dict[str, Any] = answer.json()
        thing = next(iter(made.values()))
        self._made.append(f"{path}/{thing.get('id') or thing['name']}")
        return made

    def firewall(self, name: str, outbound: Sequence[Mapping[str, Any]]) -> None:
        self.make("/tags", {"name": name})
        self.make("/firewalls", {"name": name, "outbound_rules": outbound, "tags": [name]})

    def member(self, name: str, tag: str) -> str:
        """The mesh address of a new droplet, once it has joined."""
        create = {"reusable": False, "ephemeral": True, "preauthorized": True, "tags": [TAG]}
        capabilities = {"capabilities": {"devices": {"create": create}}, "expirySeconds": 600}
        key = self._tailnet.post("/keys", json=capabilities).raise_for_status().json()["key"]
        order = {"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
        place = {"vpc_uuid": self.vpc, "public_networking": False, "tags": [tag]}
        self.make("/droplets", {**order, **place, "user_data": USER_DATA.format(key=key, name=name)})
        eventually(lambda: bool(self.addresses(name)), f"{name} joining the mesh")
        return self.addresses(name)[0]

    def addresses(self, name: str) -> list[str]:
        devices = self._tailnet.get("/devices").raise_for_status().json()["devices"]
        return [device["addresses"][0] for device in devices if device["hostname"] == name]

    def set_policy(self, policy: Mapping[str, Any]) -> None:
        answer = self._tailnet.post("/acl", json=policy)
        assert answer.is_success, answer.text

    def answers(self, address: str, port: int = 22) -> bool:
        """Whether the operator gets a connection."""
        script = f"exec 3<>/dev/tcp/{address}/{port}"
        return self.cloud.exec("timeout", "3", "bash", "-c", script, check=False).returncode == 0

    def path_to(self, address: str) -> str:
        """How the operator's packets get there: the peer's public address, or empty by the relay."""
        programs = json.loads(self.cloud.manifest.read_text())["tailscale"]
        socket = self.cloud.state_dir / "mesh/operator/tailscaled.sock"
        command = [f"{programs}/tailscale", f"--socket={socket}", "status", "--json"]
        peers = json.loads(self.cloud.exec(*command).stdout)["Peer"].values()
        (path,) = (str(peer["CurAddr"]) for peer in peers if address in peer["TailscaleIPs"])
        return path

    def close(self) -> None:
        for path in reversed(self._made):
            eventually(lambda path=path: self._gone(path), f"deleting {path}")  # type: ignore[misc]
        self.set_policy(self._policy_before)
        self._droplets.close()
        self._tailnet.close()

    def _gone(self, path: str) -> bool:
        return self._droplets.delete(path).status_code in (204, 404)


@pytest.fixture
def tenant(cloud: LocalCloud) -> Iterator[Tenant]:
    made = Tenant(cloud)
    try:
        made.prepare()
        yield made
    finally:
        made.close()


def test_two_droplets_behind_one_gateway_are_reached_directly_and_as_the_policy_says(tenant: Tenant) -> None:
    tenant.firewall("mesh-joints-direct", [RELAY, STUN, PEERS])
    addresses = [tenant.member(f"mesh-joints-{number}", "mesh-joints-direct") for number in (1, 2)]
    for address in addresses:
        eventually(lambda address=address: tenant.answers(address), f"sshd at {address}")  # type: ignore[misc]
        eventually(lambda address=address: tenant.path_to(address) != "", "a direct path")  # type: ignore[misc]
    listen = ["systemd-run", "--quiet", "python3", "-m", "http.server", "8080"]
    tenant.cloud.console("mesh-joints-1", *listen)
    eventually(lambda: tenant.answers(addresses[0], 8080), "a server on the droplet, before any policy")
    tenant.set_policy(NARROW)
    eventually(lambda: not tenant.answers(addresses[0], 8080), "the policy shutting what it doesn't name")
    eventually(lambda: tenant.answers(addresses[0]), "what it names staying open")
    to_the_other = f"exec 3<>/dev/tcp/{addresses[1]}/22"
    between = tenant.cloud.console("mesh-joints-1", "timeout", "3", "bash", "-c", to_the_other, check=False)
    assert between.returncode != 0, "members that it doesn't name don't reach each other"


def test_a_droplet_that_gets_out_to_the_relay_alone_is_reached_through_it(tenant: Tenant) -> None:
    tenant.firewall("mesh-joints-relay", [RELAY])
    address = tenant.member("mesh-joints-relay", "mesh-joints-relay")
    eventually(lambda: tenant.answers(address), "sshd through the relay")
    assert tenant.path_to(address) == "", "there is no direct path"


def test_the_key_in_user_data_works_once(tenant: Tenant) -> None:
    tenant.firewall("mesh-joints-once", [RELAY, STUN, PEERS])
    tenant.member("mesh-joints-once", "mesh-joints-once")
    found = tenant.cloud.console("mesh-joints-once", "cat", "/var/lib/cloud/instance/user-data.txt").stdout
    key = found.split("content: ")[1].split()[0]
    again = ["tailscale", "up", "--force-reauth", "--login-server=https://192.200.0.101", "--timeout=20s"]
    options = ["--netfilter-mode=off", "--accept-dns=false", "--hostname=mesh-joints-once"]
    write = "umask 077; cat > /run/again"
    tenant.cloud.console("mesh-joints-once", "sh", "-c", write, stdin=key)
    result = tenant.cloud.console(
        "mesh-joints-once", *again, *options, "--auth-key=file:/run/again", check=False
    )
    assert result.returncode != 0, "whoever reads it later can do nothing with it"
    assert "authkey already used" in result.stderr, "and is told why"


def test_a_droplet_is_the_same_member_after_the_cloud_was_down(own_cloud: LocalCloud) -> None:
    own_cloud.run("up")
    tenant = Tenant(own_cloud)
    tenant.prepare()
    tenant.firewall("mesh-joints-down", [RELAY, STUN, PEERS])
    address = tenant.member("mesh-joints-down", "mesh-joints-down")
    eventually(lambda: tenant.answers(address), "sshd")
    members = {name: tenant.addresses(name) for name in ("operator", "vault", "mesh-joints-down")}
    own_cloud.run("down")
    own_cloud.run("up")
    eventually(lambda: tenant.answers(address), "sshd at the same address as before")
    assert {name: tenant.addresses(name) for name in members} == members, "all are the same, and there once"
    tenant.close()
