import socket
from collections.abc import Iterable
from typing import cast

import pytest

from components.flows import Endpoint
from components.tailnet import Device
from stacks.errors import InventoryError
from stacks.inventory import Inventory, Thing
from stacks.resource_types import DATABASE_CLUSTER, DROPLET
from stacks.verification.hosts import Pinned, shared, tenancy


class Account:
    """What the inventory would find."""

    def __init__(self, *things: Thing) -> None:
        self._things = things

    def hosts(self, tenant: str) -> Iterable[Thing]:
        del tenant
        return [thing for thing in self._things if thing.kind == DROPLET]

    def services(self, tenant: str) -> Iterable[Thing]:
        del tenant
        return [thing for thing in self._things if thing.kind == DATABASE_CLUSTER]


def _host(name: str, tier: str, address: str | None = "10.32.0.2") -> Thing:
    tags = frozenset({"tenant-acme", f"tenant-acme-{tier}"})
    return Thing(kind=DROPLET, id="1", name=name, tags=tags, private_address=address)


def _inventory(*things: Thing) -> Inventory:
    return cast("Inventory", Account(*things))


def test_a_member_s_tier_is_its_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostbyname", lambda host: {"private-db": "10.32.0.9"}[host])
    tags = frozenset({"tenant-acme", "tenant-acme-database"})
    database = Thing(kind=DATABASE_CLUSTER, id="d", name="db", tags=tags, private_host="private-db")
    found = tenancy(_inventory(database, _host("acme-agent-a-1", "agent")), "acme", [], {})
    assert [(each.tier, each.address, each.port) for each in found.members] == [
        (Endpoint.AGENT, "10.32.0.2", None),
        (Endpoint.DATABASE, "10.32.0.9", 25060),
    ], "hosts first, then services at their own port"


def test_a_tenant_without_hosts_is_not_up() -> None:
    with pytest.raises(InventoryError, match=r"no hosts of 'acme'.*stacks\.up acme"):
        tenancy(_inventory(), "acme", [], {})


def test_a_host_without_a_private_address_is_named() -> None:
    with pytest.raises(InventoryError, match=r"acme-agent-a-1.*no address"):
        tenancy(_inventory(_host("acme-agent-a-1", "agent", None)), "acme", [], {})


def test_a_host_in_no_tier_is_named() -> None:
    with pytest.raises(InventoryError, match=r"acme-x.*none"):
        tenancy(_inventory(_host("acme-x", "other")), "acme", [], {})


def test_a_name_that_doesn_t_resolve_says_where_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str) -> str:
        raise OSError(host)

    monkeypatch.setattr(socket, "gethostbyname", fail)
    tags = frozenset({"tenant-acme", "tenant-acme-cache"})
    cache = Thing(kind=DATABASE_CLUSTER, id="d", name="c", tags=tags, private_host="private-c")
    with pytest.raises(InventoryError, match=r"private-c.*`pulumi up`"):
        tenancy(_inventory(_host("acme-agent-a-1", "agent"), cache), "acme", [], {})


def _device(device: str, tag: str, address: str = "100.64.0.7") -> Device:
    return Device(
        id=device,
        hostname=f"host-{device}",
        addresses=(address,),
        tags=frozenset({tag}),
        is_authorized=True,
        is_ephemeral=True,
    )


PINNED = {"acme-agent-a-1": Pinned(device_id="n1", host_key="ssh-ed25519 AAAA")}


def test_a_host_s_mesh_address_is_that_of_the_device_its_stack_knows() -> None:
    devices = [_device("n0", "tag:tenant-acme-agent", "100.64.0.6"), _device("n1", "tag:tenant-acme-agent")]
    (host,) = tenancy(_inventory(_host("acme-agent-a-1", "agent")), "acme", devices, PINNED).hosts
    assert host.mesh_address == "100.64.0.7", "another device may bear the same name, never the same id"


@pytest.mark.parametrize(
    "devices", [[], [_device("n1", "tag:tenant-globex-agent")]], ids=["gone", "with another tenant's tag"]
)
def test_a_device_that_is_not_what_it_was_is_no_way_in(devices: list[Device]) -> None:
    (host,) = tenancy(_inventory(_host("acme-agent-a-1", "agent")), "acme", devices, PINNED).hosts
    assert host.mesh_address is None, "its tag is its identity"


def test_a_tailnet_without_a_vault_is_said() -> None:
    with pytest.raises(InventoryError, match="tag:vault"):
        shared([_device("n1", "tag:control-plane")], "192.0.2.1")
