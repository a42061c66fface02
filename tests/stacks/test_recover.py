"""The steps of a recovery, with an engine and an account that remember what was asked of them."""

import asyncio
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from components.naming import mesh_hostname
from components.tailnet import AuthKey, Device, Tailnet
from stacks.engine import Engine
from stacks.errors import RecoveryError
from stacks.inventory import Inventory, Thing
from stacks.outcomes import Outcome
from stacks.project import Project
from stacks.recover import Recovery
from stacks.recovery.adoption import import_id, selected, wanted_by
from stacks.recovery.plan import Import
from stacks.resource_types import DATABASE_USER, DROPLET, TAILNET_KEY, VOLUME

VPC = "digitalocean:index/vpc:Vpc"
DEAD = 2**22 + 1
"""Above the largest process number that Linux gives."""


class FakeEngine:
    def __init__(self, resources: list[dict[str, Any]], pending: list[dict[str, Any]]) -> None:
        self.state = {"deployment": {"resources": resources, "pending_operations": pending}}
        self.done: list[str] = []

    async def export(self, tenant: str) -> dict[str, Any]:
        del tenant
        return self.state

    async def replace_checkpoint(self, tenant: str, checkpoint: dict[str, Any]) -> None:
        del tenant
        self.done.append("edit")
        self.state = checkpoint

    async def update(self, verb: str, tenant: str, *arguments: str) -> Outcome:
        del tenant, arguments
        self.done.append(verb)
        self.state["deployment"]["pending_operations"] = []
        return Outcome(code=0)

    async def output(self, *command: str) -> str:
        self.done.append(command[0])
        return '{"steps": []}'


class FakeInventory:
    def __init__(self, *things: Thing) -> None:
        self.things = list(things)
        self.broken: set[str] = set()

    def of(self, tenant: str) -> list[Thing]:
        del tenant
        return list(self.things)

    def inside(self, cluster: str) -> list[Thing]:
        del cluster
        return []

    def wait_until_ready(self, thing: Thing) -> Thing | None:
        return None if thing.id in self.broken else thing

    def delete(self, thing: Thing) -> None:
        self.things.remove(thing)


def _pending(name: str, kind: str = DROPLET) -> dict[str, Any]:
    urn = f"urn:pulumi:acme::tenantry::{kind}::{name}"
    resource = {"urn": urn, "type": kind, "custom": True, "inputs": {"name": name}}
    return {"type": "creating", "resource": resource}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: tenantry\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    return Project(clone=tmp_path, specs=tmp_path, folder=tmp_path)


def _lock(project: Project, pid: int, host: str | None = None) -> Path:
    path = project.clone / ".pulumi" / "locks" / "organization" / "tenantry" / "acme" / "l.json"
    path.parent.mkdir(parents=True)
    content = {"pid": pid, "username": "u", "hostname": host or socket.gethostname()}
    path.write_text(json.dumps({**content, "timestamp": "2026-11-23T06:03:50.1Z"}))
    return path


class FakeTailnet:
    def __init__(self, devices: Sequence[Device] = (), keys: Sequence[AuthKey] = ()) -> None:
        self._devices = {device.id: device for device in devices}
        self._keys = {key.id: key for key in keys}

    def devices(self) -> list[Device]:
        return list(self._devices.values())

    def auth_keys(self) -> list[AuthKey]:
        return list(self._keys.values())

    def remove_device(self, device_id: str) -> None:
        del self._devices[device_id]

    def remove_key(self, key_id: str) -> None:
        del self._keys[key_id]


def _recover(
    project: Project,
    engine: FakeEngine,
    inventory: FakeInventory,
    tailnet: FakeTailnet | None = None,
    *,
    dry_run: bool = False,
) -> tuple[bool, list[str]]:
    said: list[str] = []
    recovery = Recovery(
        "acme",
        project,
        cast("Engine", engine),
        (cast("Inventory", inventory), cast("Tailnet", tailnet or FakeTailnet())),
        say=said.append,
        dry_run=dry_run,
    )
    return asyncio.run(recovery.run()), said


def _droplet(name: str = "acme-agent-a-1", identity: str = "17") -> Thing:
    return Thing(kind=DROPLET, id=identity, name=name)


def test_a_healthy_stack_is_left_alone(project: Project) -> None:
    engine = FakeEngine([{"urn": "u", "type": DROPLET, "id": "17", "custom": True}], [])
    busy, said = _recover(project, engine, FakeInventory(_droplet()))
    assert (busy, said, engine.done) == (False, [], []), "nothing to say, nothing done"


def test_a_dead_owner_s_lock_goes_and_the_state_is_compared(project: Project) -> None:
    path = _lock(project, DEAD)
    engine = FakeEngine([{"urn": "u", "type": DROPLET, "id": "17", "custom": True}], [])
    busy, said = _recover(project, engine, FakeInventory(_droplet()))
    assert busy, "a lock is a sign of a crash"
    assert not path.exists(), "the next update may run"
    assert "remove the lock" in said[0], "said first"
    assert engine.done == ["refresh"], "an update may have been cut off"


def test_a_lock_from_another_host_stops_everything(project: Project) -> None:
    path = _lock(project, DEAD, host="elsewhere")
    engine = FakeEngine([], [_pending("acme-agent-a-1")])
    with pytest.raises(RecoveryError, match="may belong to a living update"):
        _recover(project, engine, FakeInventory(_droplet()))
    assert path.exists(), "the lock stays"
    assert not engine.done, "nothing was done"


def test_an_interrupted_create_is_adopted_then_refreshed(project: Project) -> None:
    engine, inventory = FakeEngine([], [_pending("acme-agent-a-1")]), FakeInventory(_droplet())
    _recover(project, engine, inventory)
    assert engine.done == ["edit", "refresh"], "the record is completed, then read from the cloud"
    assert [each["id"] for each in engine.state["deployment"]["resources"]] == ["17"], "one resource"
    assert len(inventory.things) == 1, "nothing is deleted"


def test_a_creation_that_went_wrong_is_deleted(project: Project) -> None:
    engine, inventory = FakeEngine([], [_pending("acme-agent-a-1")]), FakeInventory(_droplet())
    inventory.broken.add("17")
    _, said = _recover(project, engine, inventory)
    assert not engine.state["deployment"]["resources"], "it is not adopted"
    assert not inventory.things, "and not left behind"
    assert any("never became usable" in line for line in said), "why is said"


def test_an_orphan_that_nobody_wants_is_deleted_and_said(project: Project) -> None:
    inventory = FakeInventory(Thing(kind=VPC, id="v", name="acme-network-old"))
    _, said = _recover(project, FakeEngine([], []), inventory)
    assert not inventory.things, "it is the tenant's, and nothing refers to it"
    assert said[0].startswith("delete Vpc acme-network-old"), "said before it is done"


def test_a_dry_run_stops_at_a_state_that_can_t_be_read(project: Project) -> None:
    path = project.clone / ".pulumi" / "stacks" / "tenantry" / "acme.json.attrs"
    path.parent.mkdir(parents=True)
    path.touch()
    busy, said = _recover(project, FakeEngine([], []), FakeInventory(), dry_run=True)
    assert busy, "there is something to do"
    assert path.exists(), "it stays"
    assert "acme.json.attrs" in said[0], "but it is said"


def test_torn_attributes_are_removed_before_the_state_is_read(project: Project) -> None:
    path = project.clone / ".pulumi" / "stacks" / "tenantry" / "acme.json.attrs"
    path.parent.mkdir(parents=True)
    path.touch()
    _, said = _recover(project, FakeEngine([], []), FakeInventory())
    assert not path.exists(), "the engine fails on it with EOF"
    assert "acme.json.attrs" in said[0], "said first"


def test_a_dry_run_changes_nothing(project: Project) -> None:
    path = _lock(project, DEAD)
    engine = FakeEngine([], [_pending("acme-agent-a-1")])
    inventory = FakeInventory(_droplet(), _droplet(identity="18"))
    busy, said = _recover(project, engine, inventory, dry_run=True)
    assert busy, "there is something to do"
    assert path.exists(), "the lock stays"
    assert not engine.done, "the state stays"
    assert len(inventory.things) == 2, "the account stays"
    assert [line.split()[0] for line in said] == ["remove", "adopt", "delete"], "each step once"


def _import(name: str) -> Import:
    urn = f"urn:pulumi:acme::tenantry::tenantry:network:TenantNetwork${VPC}::{name}"
    return Import(urn=urn, thing=Thing(kind=VPC, id="v", name=name))


def test_an_import_file_keeps_parents_and_what_is_there() -> None:
    template = {
        "nameTable": {"p": "urn"},
        "resources": [
            {"type": "tenantry:network:TenantNetwork", "name": "net", "component": True},
            {"type": VPC, "name": "vpc", "logicalName": "acme-network-vpc", "id": "<PLACEHOLDER>"},
            {"type": DROPLET, "name": "acme-agent-a-1", "id": "<PLACEHOLDER>"},
        ],
    }
    result = selected(template, [_import("acme-network-vpc")])
    assert [each.get("id") for each in result["resources"]] == [None, "v"], "no placeholder is left"
    assert result["nameTable"] == {"p": "urn"}, "the rest is the engine's"


def test_what_lies_in_a_cluster_is_imported_by_cluster_and_name() -> None:
    user = Thing(kind=DATABASE_USER, id="c/user/agents", name="agents", cluster="c")
    assert import_id(user) == "c,agents", "as DigitalOcean's provider wants it"


def test_what_the_program_wants_is_what_a_preview_creates() -> None:
    class Previewing:
        async def output(self, *command: str) -> str:
            del command
            state = {"type": VPC, "custom": True, "inputs": {"name": "acme-network-vpc"}}
            steps = [
                {"op": "create", "urn": "urn:new", "newState": state},
                {"op": "same", "urn": "urn:old", "newState": state},
                {"op": "create", "urn": "urn:c", "newState": {"type": "x", "inputs": {"name": "c"}}},
            ]
            return json.dumps({"steps": steps})

    wanted = asyncio.run(wanted_by(cast("Engine", Previewing()), "acme"))
    assert wanted == {(VPC, "acme-network-vpc"): "urn:new"}, "by kind and physical name"


def _device(hostname: str, tag: str = "tag:tenant-acme-agent") -> Device:
    return Device(
        id=f"id-of-{hostname}",
        hostname=hostname,
        addresses=("100.64.0.9",),
        tags=frozenset({tag}),
        is_authorized=True,
        is_ephemeral=True,
    )


def _key(identity: str, tag: str = "tag:tenant-acme-agent") -> AuthKey:
    return AuthKey(id=identity, description=f"acme-agent-a-1 {identity}", tags=frozenset({tag}))


def _with_a_key() -> FakeEngine:
    """A state with one host's key, and the droplet that was made with it."""
    urn = f"urn:pulumi:acme::tenantry::{TAILNET_KEY}::acme-agent-a-1-mesh-key"
    key = {"urn": urn, "type": TAILNET_KEY, "id": "k1", "custom": True}
    return FakeEngine([key, {"urn": "u", "type": DROPLET, "id": "17", "custom": True}], [])


def test_a_device_that_no_key_of_the_state_explains_is_taken_out_of_the_tailnet(project: Project) -> None:
    living, stray = _device(mesh_hostname("acme-agent-a-1", "k1")), _device("acme-agent-a-1-0badc0de")
    tailnet = FakeTailnet([living, stray])
    busy, said = _recover(project, _with_a_key(), FakeInventory(_droplet()), tailnet)
    assert busy
    assert said == [f"remove {stray} from the tailnet: no host of the state's joined as it"]
    assert tailnet.devices() == [living], "the host that there is stays a member"


def test_a_key_that_no_state_has_is_revoked(project: Project) -> None:
    tailnet = FakeTailnet(keys=[_key("k1"), _key("k2")])
    busy, said = _recover(project, _with_a_key(), FakeInventory(_droplet()), tailnet)
    assert busy
    assert said == ["revoke the key 'acme-agent-a-1 k2' (k2): no state has it"]
    assert [key.id for key in tailnet.auth_keys()] == ["k1"]


def test_what_is_not_the_tenant_s_in_the_tailnet_is_never_touched(project: Project) -> None:
    foreign = ("tag:tenant-globex-agent", "tag:vault", "tag:control-plane", "tag:tenant-acme-agents")
    tailnet = FakeTailnet([_device(tag, tag) for tag in foreign], [_key(tag, tag) for tag in foreign])
    busy, said = _recover(project, _with_a_key(), FakeInventory(_droplet()), tailnet)
    assert (busy, said) == (False, [])


def test_a_dry_run_leaves_the_tailnet_as_it_is(project: Project) -> None:
    tailnet = FakeTailnet([_device("acme-agent-a-1-0badc0de")], [_key("k2")])
    _, said = _recover(project, _with_a_key(), FakeInventory(_droplet()), tailnet, dry_run=True)
    assert len(said) == 2, "both are said"
    assert (len(tailnet.devices()), len(tailnet.auth_keys())) == (1, 1)


def test_a_volume_that_nobody_wants_is_said_and_never_deleted(project: Project) -> None:
    volume = Thing(kind=VOLUME, id="v1", name="acme-agent-b-1-data")
    inventory = FakeInventory(_droplet(), volume)
    busy, said = _recover(project, _with_a_key(), inventory)
    assert not busy, "there is nothing that another `up` would change"
    assert said == [f"leave {volume}, which holds data and nobody wants any more: delete it yourself"]
    assert volume in inventory.things
