"""DigitalOcean's API is a small server here, so that pydo itself is what asks."""

import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.naming import ROLES, TENANT_PATTERN, NameRefusedError, check_tenant, resource_name, tenant_tag
from stacks.errors import InventoryError
from stacks.inventory import Inventory, Thing, is_of
from stacks.resource_types import DATABASE_CLUSTER, DROPLET, VPC_NAT_GATEWAY

KEYS = {
    "/v2/droplets": "droplets",
    "/v2/databases": "databases",
    "/v2/firewalls": "firewalls",
    "/v2/volumes": "volumes",
    "/v2/vpc_nat_gateways": "vpc_nat_gateways",
    "/v2/account/keys": "ssh_keys",
    "/v2/vpcs": "vpcs",
    "/v2/projects": "projects",
    "/v2/tags": "tags",
}


class Account:
    """What the server has; `refusals` counts down how often a DELETE of a path is refused."""

    def __init__(self) -> None:
        self.content: dict[str, list[dict[str, Any]]] = {path: [] for path in KEYS}
        self.refusals: dict[str, int] = {}
        self.asked: list[str] = []
        self.token = secrets.token_hex(8)
        self.page = 200


class _Handler(BaseHTTPRequestHandler):
    account: Account

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.account.asked.append(self.path)
        if self.headers["Authorization"] != f"Bearer {self.account.token}":
            self._answer(401, {"id": "unauthorized", "message": "Unable to authenticate you"})
        elif url.path in KEYS:
            page = int(parse_qs(url.query).get("page", ["1"])[0])
            things = self.account.content[url.path]
            first = (page - 1) * self.account.page
            more = {"next": "x"} if len(things) > first + self.account.page else {}
            body = {KEYS[url.path]: things[first : first + self.account.page], "links": {"pages": more}}
            self._answer(200, body)
        else:
            self._answer(
                404, {"id": "not_found", "message": "The resource you requested could not be found."}
            )

    def do_DELETE(self) -> None:
        folder, _, identifier = self.path.rpartition("/")
        if self.account.refusals.get(self.path, 0) > 0:
            self.account.refusals[self.path] -= 1
            self._answer(409, {"id": "conflict", "message": "Can not delete VPC with members"})
            return
        kept = [each for each in self.account.content[folder] if str(each.get("id")) != identifier]
        found = len(kept) < len(self.account.content[folder])
        self.account.content[folder] = kept
        self._answer(204 if found else 404, None if found else {"id": "not_found", "message": "gone"})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        data = b"" if body is None else json.dumps(body).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def inventory(account: Account) -> Iterator[Inventory]:
    handler = type("Handler", (_Handler,), {"account": account})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield Inventory({"DIGITALOCEAN_TOKEN": account.token, "DIGITALOCEAN_API_URL": url})
        server.shutdown()
        thread.join()


def _droplet(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "status": "active", "tags": [], "networks": {"v4": []}, **more}


def test_only_the_tenant_s_things_are_listed(account: Account, inventory: Inventory) -> None:
    account.content["/v2/droplets"] = [
        _droplet(1, "acme-agent-a-1"),
        _droplet(2, "elsewhere", tags=["tenant-acme"]),
        _droplet(3, "acme-corp-agent-a-1", tags=["tenant-acme-corp"]),
        _droplet(4, "my-own-droplet"),
    ]
    account.content["/v2/vpcs"] = [
        {"id": "v", "name": "acme-network-vpc"},
        {"id": "d", "name": "default-nyc3"},
    ]
    account.content["/v2/tags"] = [{"name": "tenant-acme"}, {"name": "tenant-acme-agent"}, {"name": "web"}]
    found = {(thing.kind.rsplit(":", 1)[-1], thing.id) for thing in inventory.of("acme")}
    expected = {("Droplet", "1"), ("Droplet", "2"), ("Vpc", "v"), ("Tag", "tenant-acme")}
    assert found == expected | {("Tag", "tenant-acme-agent")}, "never what isn't the tenant's"


def test_every_page_is_read(account: Account, inventory: Inventory) -> None:
    account.page = 2
    account.content["/v2/droplets"] = [_droplet(n, f"acme-agent-a-{n}") for n in range(1, 6)]
    account.content["/v2/databases"] = [{"id": str(n), "name": f"acme-database-{n}"} for n in range(3)]
    assert len(inventory.hosts("acme")) == 5, "an orphan on the second page is an orphan"
    assert len(inventory.services("acme")) == 3, "pydo has no paging for databases, the API has"


def test_a_host_s_addresses_are_told_apart(account: Account, inventory: Inventory) -> None:
    private = {"type": "private", "ip_address": "10.32.0.2"}
    public = {"type": "public", "ip_address": "198.18.0.4"}
    account.content["/v2/droplets"] = [
        _droplet(1, "acme-agent-a-1", networks={"v4": [private]}),
        _droplet(2, "acme-agent-a-2", networks={"v4": [private, public]}),
    ]
    inner, outer = inventory.hosts("acme")
    assert (inner.private_address, inner.is_public) == ("10.32.0.2", False), "as tenants' hosts are"
    assert outer.is_public, "what must never be"


def test_a_deletion_is_repeated_until_it_is_let(account: Account, inventory: Inventory) -> None:
    account.content["/v2/vpcs"] = [{"id": "v", "name": "acme-network-vpc"}]
    account.refusals["/v2/vpcs/v"] = 1
    (vpc,) = inventory.of("acme")
    inventory.delete(vpc)
    assert not account.content["/v2/vpcs"], "its members take a moment to leave"


def test_what_has_gone_already_is_deleted(inventory: Inventory) -> None:
    inventory.delete(Thing(kind=DROPLET, id="7", name="acme-agent-a-1"))


@pytest.mark.parametrize(
    ("kind", "status", "ready"),
    [
        (DROPLET, "active", True),
        (DROPLET, "new", False),
        (DATABASE_CLUSTER, "online", True),
        (DATABASE_CLUSTER, "creating", False),
        (VPC_NAT_GATEWAY, "ACTIVE", True),
        ("digitalocean:index/firewall:Firewall", "waiting", True),
    ],
)
def test_what_takes_time_is_ready_by_its_status(kind: str, status: str, ready: bool) -> None:  # noqa: FBT001
    thing = Thing(kind=kind, id="1", name="acme-x", status=status)
    assert thing.is_ready is ready, "a firewall without droplets waits for ever, and is there"


def test_a_wrong_token_is_said_in_digitalocean_s_words(account: Account, inventory: Inventory) -> None:
    account.token = secrets.token_hex(8)
    with pytest.raises(InventoryError, match="401 Unable to authenticate you"):
        inventory.of("acme")


def test_no_token_is_said_with_what_to_do() -> None:
    with pytest.raises(InventoryError, match=r"DIGITALOCEAN_TOKEN.*local_cloud exec"):
        Inventory({})


def test_an_api_that_is_down_is_said_with_its_address() -> None:
    url = "http://127.0.0.1:9"
    inventory = Inventory({"DIGITALOCEAN_TOKEN": "x", "DIGITALOCEAN_API_URL": url}, retries=0)
    with pytest.raises(InventoryError, match=rf"{url} can't be reached"):
        inventory.of("acme")


def _valid(name: str) -> bool:
    try:
        check_tenant(name)
    except NameRefusedError:
        return False
    return True


tenants = st.from_regex(TENANT_PATTERN, fullmatch=True).filter(_valid)


@given(tenants, tenants, st.sampled_from(sorted(ROLES)), st.sampled_from(["1", "agent-1", "vpc", "acme-1"]))
def test_no_thing_is_two_tenants(one: str, other: str, role: str, key: str) -> None:
    thing = Thing(kind=DROPLET, id="1", name=resource_name(one, role, key), tags=frozenset({tenant_tag(one)}))
    assert is_of(one, thing), "each finds its own"
    assert is_of(other, thing) == (one == other), "and nobody else's"
