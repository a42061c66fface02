"""A real mesh: coordination server, relay, members that reach each other, and what is left of them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from isolation import enter, isolated
from stage import eventually, manifest

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.mesh.addresses import OPERATOR_ADDRESS, VAULT_ADDRESS
from local_cloud.hypervisor.mesh.member import Identity
from local_cloud.hypervisor.mesh.mesh import OPERATOR, Mesh
from local_cloud.hypervisor.mesh.model import MESH_RANGE, MeshRefusedError, MeshUnknownError
from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.networks.networks import Networks

VAULT = Identity(hostname="vault", tag="tag:vault", namespace="vault", address=VAULT_ADDRESS)
LOOPBACK = IPv4Address("127.0.0.1")
ONE_WAY = json.dumps(
    {
        "tagOwners": {"tag:control-plane": [], "tag:vault": []},
        "acls": [{"action": "accept", "src": ["tag:control-plane"], "dst": ["tag:vault:8200"]}],
    }
)


@contextmanager
def mesh_in(state: Path) -> Iterator[Mesh]:
    networks, found = Networks(), manifest()
    mesh = Mesh(state, Path(found["tailscale"]), Path(found["headscale"]), networks)
    try:
        yield mesh
    finally:
        mesh.close()
        networks.close()


def connects(namespace: str, address: IPv4Address, port: int, seconds: int = 2) -> bool:
    with namespaces.entered(namespace):
        command = ["timeout", str(seconds), "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def listening(namespace: str, *ports: int) -> Iterator[None]:
    script = (
        f"import socket, time; s = [socket.create_server(('', p)) for p in {list(ports)}]; time.sleep(600)"
    )
    with namespaces.entered(namespace):
        server = subprocess.Popen(["python3", "-c", script])
    try:
        eventually(lambda: all(connects(namespace, LOOPBACK, port) for port in ports), "it listens")
        yield
    finally:
        server.kill()
        server.wait()


@isolated
def test_members_reach_each_other_only_as_the_policy_says(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        operator, vault = mesh.join(OPERATOR), mesh.join(VAULT)
        assert operator in MESH_RANGE, "its addresses are the mesh's"
        assert vault not in (operator, VAULT_ADDRESS), "each member has one of its own"
        with listening("vault", 8200, 22), listening("operator", 8200):
            eventually(lambda: connects("operator", vault, 22), "without a policy all reach one another")
            mesh.coordination.set_policy(ONE_WAY)
            assert mesh.coordination.get_policy() == ONE_WAY, "it is kept as it was given"
            eventually(
                lambda: not connects("operator", vault, 22), "the policy shuts what it doesn't name", 20
            )
            eventually(lambda: connects("operator", vault, 8200), "what it names is open")
            assert not connects("vault", operator, 8200), "and not the way back"
            assert not connects("operator", VAULT_ADDRESS, 8200), "nor the way beside the mesh"


@isolated
def test_the_relay_carries_what_cannot_go_directly(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        mesh.join(OPERATOR)
        vault = mesh.join(VAULT)
        for namespace in ("operator", "vault"):
            namespaces.apply_rules(
                namespace,
                "table inet test { chain out { type filter hook output priority 0; "
                "oifname public ip daddr 198.18.0.0/16 udp dport 1-65535 drop\n}\n}",
            )
        with listening("vault", 8200):
            eventually(
                lambda: connects("operator", vault, 8200, 10),
                "by TLS through the relay",
            )


@isolated
def test_everyone_is_the_same_member_after_a_restart(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        before = (mesh.join(OPERATOR), mesh.join(VAULT))
        nodes = [
            (node.id, node.hostname, node.tags, node.addresses) for node in mesh.coordination.list_nodes()
        ]
        mesh.coordination.set_policy(ONE_WAY)
        authority = mesh.authority.certificate()
    assert list(namespaces.DIRECTORY.iterdir()) == [], "nothing is left when it is closed"
    with mesh_in(tmp_path / "mesh") as mesh:
        assert (mesh.join(OPERATOR), mesh.join(VAULT)) == before, "addresses stay"
        after = [
            (node.id, node.hostname, node.tags, node.addresses) for node in mesh.coordination.list_nodes()
        ]
        assert after == nodes, "nobody is there twice, or anew"
        assert mesh.coordination.get_policy() == ONE_WAY, "the policy stays"
        assert mesh.authority.certificate() == authority, "disks that trust it are still right"


@isolated
def test_who_has_lost_its_identity_takes_the_place_of_its_old_self(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        mesh.join(OPERATOR)
    (tmp_path / "mesh/operator/tailscaled.state").unlink()
    with mesh_in(tmp_path / "mesh") as mesh:
        mesh.join(OPERATOR)
        assert [node.name for node in mesh.coordination.list_nodes()] == ["operator"], "no operator-1"


@isolated
def test_keys_and_nodes_are_told_as_they_are(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        mesh.join(OPERATOR)
        coordination = mesh.coordination
        assert coordination.list_keys() == [], "the operator's own key isn't the tailnet's"
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
        made = coordination.create_key(
            tags=["tag:tenant-acme-agent"], reusable=False, ephemeral=True, expires_at=expires
        )
        assert made.secret not in repr(made), "a key is not printed by chance"
        (key,) = coordination.list_keys()
        assert (key.id, key.tags, key.expires_at) == (made.id, ("tag:tenant-acme-agent",), expires)
        assert (key.reusable, key.ephemeral, key.used) == (False, True, False)
        coordination.expire_key(made.id)
        assert coordination.list_keys()[0].expires_at <= datetime.now(UTC), "nobody joins with it any more"

        (node,) = coordination.list_nodes()
        assert (node.hostname, node.tags, node.online) == ("operator", ("tag:control-plane",), True)
        assert node.expires_at is None, "it stays for as long as the cloud does"
        coordination.set_tags(node.id, ["tag:other"])
        coordination.rename_node(node.id, "renamed")
        coordination.approve_routes(node.id, [IPv4Network("10.9.0.0/24")])
        changed = coordination.get_node(node.id)
        assert (changed.tags, changed.name, changed.hostname) == (("tag:other",), "renamed", "operator")
        coordination.delete_node(node.id)
        assert coordination.list_nodes() == [], "it is out"


@isolated
def test_what_is_not_there_and_what_is_refused_are_told_apart(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        coordination = mesh.coordination
        assert coordination.get_policy() is None, "there is none before the first"
        for call in (coordination.get_node, coordination.delete_node, coordination.expire_node):
            with pytest.raises(MeshUnknownError):
                call("4711")
        with pytest.raises(MeshUnknownError, match="no key 4711"):
            coordination.expire_key("4711")
        with pytest.raises(MeshRefusedError):
            coordination.set_policy('{"acls": [{"action": "accept", "src": ["tag:nobody"], "dst": ["*:*"]}]}')
        with pytest.raises(MeshRefusedError):
            coordination.set_policy("{")
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        with pytest.raises(MeshRefusedError, match="tag"):
            coordination.create_key(tags=["Not-A-Tag"], reusable=False, ephemeral=True, expires_at=tomorrow)


@isolated
def test_a_member_that_cannot_join_says_so_and_keeps_its_key_to_itself(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        key = mesh.coordination.create_key
        secrets = []

        def expired(**arguments: object) -> object:
            made = key(**{**arguments, "expires_at": datetime.now(UTC) - timedelta(minutes=1)})  # type: ignore[arg-type]
            secrets.append(made.secret)
            return made

        mesh.coordination.create_key = expired  # type: ignore[method-assign, assignment]
        with pytest.raises(HypervisorError, match=r"of operator failed: .*authkey expired") as raised:
            mesh.join(OPERATOR)
        assert secrets[0] not in str(raised.value), "errors hold no secret"
        assert not (tmp_path / "mesh/operator/auth-key").exists(), "nor does the disk"
        log = (tmp_path / "mesh/operator/tailscaled.log").read_text()
        assert secrets[0] not in log, "nor the log"


@isolated
def test_a_part_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    enter()
    with mesh_in(tmp_path / "mesh") as mesh:
        mesh.join(OPERATOR)
        vault = mesh.join(VAULT)
        with listening("vault", 8200):
            for program in ("headscale", "tailscaled"):
                for pid in subprocess.check_output(["pidof", program], text=True).split():
                    os.kill(int(pid), signal.SIGKILL)
            eventually(lambda: connects("operator", vault, 8200), "all of them are back", 60)
            eventually(lambda: len(mesh.coordination.list_nodes()) == 2, "and known as before", 30)


def test_the_own_addresses_of_the_mesh_are_the_last_that_anyone_else_would_get() -> None:
    given_first = IPv4Address("198.18.0.2")
    for address in (OPERATOR_ADDRESS, VAULT_ADDRESS):
        assert int(address) - int(given_first) > 60_000, "the allocator gives the lowest free one"
