"""A droplet joins the real mesh with a key of this API, is listed, and is thrown out."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import pytest
from real_cloud import LocalCloud

pytestmark = pytest.mark.end_to_end

BOOT_SECONDS = 120
MESH_SECONDS = 30
NAME = "mesh-1"
LOGIN_SERVER = "https://192.200.0.101"
POLICY = {
    "tagOwners": {"tag:control-plane": [], "tag:worker": ["tag:control-plane"]},
    "grants": [{"src": ["tag:control-plane"], "dst": ["tag:worker"], "ip": ["tcp:22"]}],
    "tests": [
        {"src": "tag:control-plane", "accept": ["tag:worker:22"], "deny": ["tag:worker:9000"]},
        {"src": "tag:worker", "deny": ["tag:control-plane:22", "tag:worker:22"]},
    ],
}
Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen], wanted: Callable[[Seen], bool], seconds: float) -> Seen:
    deadline = time.monotonic() + seconds
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still not as wanted after {seconds} s: {seen}"
        time.sleep(0.2)
    return seen


@pytest.fixture
def tailscale(cloud: LocalCloud) -> Iterator[httpx.Client]:
    """Tailscale's API, as `local_cloud exec` tells a command where it is."""
    shown = cloud.exec("sh", "-c", 'echo "$TAILSCALE_BASE_URL $TAILSCALE_API_KEY $TAILSCALE_TAILNET"').stdout
    url, key, tailnet = shown.split()
    with httpx.Client(base_url=f"{url}/api/v2/tailnet/{tailnet}", auth=(key, ""), timeout=30) as client:
        before = client.get("acl").text
        yield client
        client.post("acl", content=before).raise_for_status()


@pytest.fixture
def droplet(cloud: LocalCloud) -> Iterator[LocalCloud]:
    headers = {"Authorization": f"Bearer {cloud.token}"}
    body = {"name": NAME, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
    with httpx.Client(base_url=cloud.url, headers=headers, timeout=60) as api:
        path = f"/v2/droplets/{api.post('/v2/droplets', json=body).json()['droplet']['id']}"
        eventually(
            lambda: api.get(path).json()["droplet"]["status"], lambda status: status == "active", BOOT_SECONDS
        )
        yield cloud
        api.delete(path).raise_for_status()


def devices(tailscale: httpx.Client, **wanted: str) -> list[dict[str, Any]]:
    answer = tailscale.get("devices", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["devices"]
    return found


def new_key(tailscale: httpx.Client) -> dict[str, Any]:
    create = {"ephemeral": True, "preauthorized": True, "tags": ["tag:worker"]}
    answer = tailscale.post(
        "keys", json={"capabilities": {"devices": {"create": create}}, "expirySeconds": 600}
    )
    assert answer.status_code == 200, answer.text
    key: dict[str, Any] = answer.json()
    return key


def join(droplet: LocalCloud, key: str) -> int:
    """Joins as a host of ours does; the key goes by standard input."""
    script = (
        "systemctl start tailscaled && umask 77 && cat > /run/mesh-key && "
        f"tailscale up --login-server={LOGIN_SERVER} --auth-key=file:/run/mesh-key --hostname={NAME} "
        "--netfilter-mode=off --accept-dns=false --timeout=30s"
    )
    return droplet.console(NAME, "sh", "-c", script, stdin=key, check=False).returncode


def connects(cloud: LocalCloud, address: str, port: int) -> bool:
    probe = f"exec 3<>/dev/tcp/{address}/{port}"
    return cloud.exec("timeout", "2", "bash", "-c", probe, check=False).returncode == 0


def test_a_droplet_joins_with_a_key_is_listed_and_is_deleted(
    tailscale: httpx.Client, droplet: LocalCloud
) -> None:
    refused = tailscale.post("keys", json={"capabilities": {"devices": {"create": {"tags": ["tag:worker"]}}}})
    assert refused.status_code == 400, "no policy knows the tag yet"
    policy = tailscale.post("acl", json=POLICY)
    assert policy.status_code == 200, policy.text

    key = new_key(tailscale)
    assert join(droplet, key["key"]) == 0
    (device,) = eventually(lambda: devices(tailscale, hostname=NAME), bool, MESH_SECONDS)
    assert (device["name"], device["tags"]) == (f"{NAME}.local.tailnet", ["tag:worker"])
    assert device["isEphemeral"] is True
    assert tailscale.get(f"keys/{key['id']}").json()["invalid"] is True, "it was good for one machine"
    assert join(droplet, new_key(tailscale)["key"]) == 0, "whoever is in stays in"

    address = device["addresses"][0]
    eventually(lambda: connects(droplet, address, 22), bool, MESH_SECONDS)
    droplet.console(NAME, "systemd-run", "--unit=shut", "python3", "-m", "http.server", "9000")
    assert not connects(droplet, address, 9000), "the policy names another port"

    wider = {**POLICY, "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}
    answer = tailscale.post("acl", content=json.dumps(wider))
    assert (answer.status_code, answer.json()["message"]) == (400, "test(s) failed")
    assert not connects(droplet, address, 9000), "the refused file has changed nothing"

    url = f"{str(tailscale.base_url).partition('/tailnet')[0]}/device/{device['nodeId']}"
    assert tailscale.delete(url).status_code == 200
    assert devices(tailscale, hostname=NAME) == []
    eventually(lambda: connects(droplet, address, 22), lambda open_: not open_, MESH_SECONDS)


def test_a_revoked_key_lets_no_droplet_in(tailscale: httpx.Client, droplet: LocalCloud) -> None:
    tailscale.post("acl", json=POLICY).raise_for_status()
    key = new_key(tailscale)
    tailscale.delete(f"keys/{key['id']}").raise_for_status()
    assert join(droplet, key["key"]) != 0
    assert devices(tailscale, hostname=NAME) == []
