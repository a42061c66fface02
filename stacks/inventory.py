"""What DigitalOcean says a tenant has: listed by name and tag, and never anything that isn't the tenant's.

A thing is a tenant's when it carries the tenant's tag, or when its name is `<tenant>-<role>` or begins with
`<tenant>-<role>-`: no other tenant can have such a name, since no word of a tenant's name is a role's
(components.naming).
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from pydo import Client

from components.flows import TIERS
from components.naming import ROLES, tenant_tag, tier_tag
from stacks.checkpoint import Identity
from stacks.errors import InventoryError
from stacks.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_DB,
    DATABASE_USER,
    DROPLET,
    TAG,
    VOLUME,
    VPC_NAT_GATEWAY,
)

PAGE = 200
"""DigitalOcean's largest page."""

READY = {DROPLET: "active", DATABASE_CLUSTER: "online", VPC_NAT_GATEWAY: "ACTIVE"}
"""The status of what takes time to be created; everything else is there at once."""

GONE_DEADLINE = 120.0
"""Seconds for what was deleted to disappear: a VPC can't be deleted before its last member has."""
READY_DEADLINE = 300.0
"""Seconds for a thing whose creation goes on without us to become usable."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One thing in the account. `kind` is the resource type's token; `id` is as a stack's state has it."""

    kind: str
    id: str
    name: str
    tags: frozenset[str] = frozenset()
    status: str | None = None
    created: str = ""
    private_address: str | None = None
    is_public: bool = False
    private_host: str | None = None
    cluster: str | None = None

    @property
    def identity(self) -> Identity:
        return Identity(kind=self.kind, id=self.id)

    @property
    def is_ready(self) -> bool:
        return self.kind not in READY or self.status == READY[self.kind]

    def __str__(self) -> str:
        return f"{self.kind.rsplit(':', 1)[-1]} {self.name} ({self.id})"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How things of one resource type are listed and deleted."""

    resource_type: str
    operations: str
    key: str
    delete: str = "delete"
    identifier: str = "id"
    list: str = "list"
    takes_paging: bool = True


# What is deleted first comes first: a VPC goes after its members, a tag after what carries it.
KINDS = (
    Kind(
        resource_type=DROPLET,
        operations="droplets",
        key="droplets",
        delete="destroy",
    ),
    Kind(
        resource_type=DATABASE_CLUSTER,
        operations="databases",
        key="databases",
        list="list_clusters",
        delete="destroy_cluster",
        takes_paging=False,
    ),
    Kind(resource_type="digitalocean:index/firewall:Firewall", operations="firewalls", key="firewalls"),
    Kind(resource_type=VOLUME, operations="volumes", key="volumes"),
    Kind(
        resource_type=VPC_NAT_GATEWAY,
        operations="vpcnatgateways",
        key="vpc_nat_gateways",
    ),
    Kind(resource_type="digitalocean:index/sshKey:SshKey", operations="ssh_keys", key="ssh_keys"),
    Kind(resource_type="digitalocean:index/vpc:Vpc", operations="vpcs", key="vpcs"),
    Kind(resource_type="digitalocean:index/project:Project", operations="projects", key="projects"),
    Kind(resource_type=TAG, operations="tags", key="tags", identifier="name"),
)


class Inventory:
    """The account, seen through DigitalOcean's own client."""

    def __init__(self, environment: Mapping[str, str] = os.environ, *, retries: int = 3) -> None:
        token = environment.get("DIGITALOCEAN_TOKEN") or environment.get("DIGITALOCEAN_ACCESS_TOKEN")
        if not token:
            msg = "no DIGITALOCEAN_TOKEN: set it, or run this through `python -m local_cloud exec --`"
            raise InventoryError(msg)
        self._url = environment.get("DIGITALOCEAN_API_URL", "https://api.digitalocean.com").rstrip("/")
        # pydo's own policy refuses http, which is what the local cloud speaks on loopback.
        policy = AzureKeyCredentialPolicy(AzureKeyCredential(token), "Authorization", prefix="Bearer")
        self._client: Any = Client(
            token, endpoint=self._url, authentication_policy=policy, retry_total=retries
        )

    def of(self, tenant: str) -> list[Thing]:
        """Everything of a tenant's that is taggable or named after it. Raises InventoryError."""
        return [thing for kind in KINDS for thing in self._all(kind) if is_of(tenant, thing)]

    def hosts(self, tenant: str) -> list[Thing]:
        """The tenant's droplets. Raises InventoryError."""
        return [thing for thing in self._all(_kind(DROPLET)) if is_of(tenant, thing)]

    def services(self, tenant: str) -> list[Thing]:
        """The tenant's database clusters. Raises InventoryError."""
        return [thing for thing in self._all(_kind(DATABASE_CLUSTER)) if is_of(tenant, thing)]

    def inside(self, cluster: str) -> list[Thing]:
        """The users and databases of a cluster; none when it has gone. Raises InventoryError."""
        things: list[Thing] = []
        for token, method, key, word in (
            (DATABASE_USER, "list_users", "users", "user"),
            (DATABASE_DB, "list", "dbs", "database"),
        ):
            answer = self._call("databases", method, cluster, missing={key: []})
            things += [
                Thing(kind=token, id=f"{cluster}/{word}/{each['name']}", name=each["name"], cluster=cluster)
                for each in answer.get(key) or []
            ]
        return things

    def delete(self, thing: Thing) -> None:
        """Delete it and wait until it has gone; that it has gone already is well. Raises InventoryError."""
        kind = _kind(thing.kind)
        deadline = time.monotonic() + GONE_DEADLINE
        while True:
            error = self._delete_once(kind, thing)
            if error is None and self._has_gone(kind, thing):
                return
            if time.monotonic() > deadline:
                reason = error or "it is still listed"
                msg = f"{thing} can't be deleted within {GONE_DEADLINE:.0f} s: {reason}; look what uses it"
                raise InventoryError(msg)
            time.sleep(0.5)

    def wait_until_ready(self, thing: Thing) -> Thing | None:
        """The thing once its creation is over; None when it went wrong or it has gone.

        Raises InventoryError.
        """
        deadline = time.monotonic() + READY_DEADLINE
        while True:
            found = next((each for each in self._all(_kind(thing.kind)) if each.id == thing.id), None)
            if found is None or found.is_ready:
                return found
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)

    def _delete_once(self, kind: Kind, thing: Thing) -> str | None:
        identifier = int(thing.id) if kind.operations in {"droplets", "ssh_keys"} else thing.id
        try:
            self._call(kind.operations, kind.delete, identifier, missing={})
        except InventoryError as error:
            return str(error)
        return None

    def _has_gone(self, kind: Kind, thing: Thing) -> bool:
        return all(each.id != thing.id for each in self._all(kind))

    def _all(self, kind: Kind) -> Iterator[Thing]:
        page = 1
        while True:
            paging = {"per_page": PAGE, "page": page}
            parameters: dict[str, Any] = paging if kind.takes_paging else {"params": paging}
            answer = self._call(kind.operations, kind.list, **parameters)
            found = answer.get(kind.key) or []
            yield from (_thing(kind, each) for each in found)
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return
            page += 1

    def _call(
        self,
        operations: str,
        method: str,
        *arguments: object,
        missing: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """One call; `missing` is the answer for what isn't there. Raises InventoryError."""
        call: Callable[..., Any] = getattr(getattr(self._client, operations), method)
        try:
            answer = call(*arguments, **parameters) or {}
        except HttpResponseError as error:
            if error.status_code == 404 and missing is not None:
                return missing
            msg = f"{self._url} refused to {method} {operations}: {_said(error)}"
            raise InventoryError(msg) from None
        except AzureError as error:
            why = type(error).__name__
            msg = f"{self._url} can't be reached ({why}): is it up, is DIGITALOCEAN_API_URL right?"
            raise InventoryError(msg) from None
        # pydo hands a 404 on some operations back as a body, with no exception.
        if isinstance(answer, dict) and answer.get("id") == "not_found" and missing is not None:
            return missing
        if isinstance(answer, dict) and set(answer) >= {"id", "message"}:
            msg = f"{self._url} refused to {method} {operations}: {answer['message']}"
            raise InventoryError(msg)
        return answer if isinstance(answer, dict) else {}


def is_of(tenant: str, thing: Thing) -> bool:
    """Whether a thing is a tenant's, by its tag or its name."""
    if tenant_tag(tenant) in thing.tags:
        return True
    if thing.kind == TAG:
        return thing.name in {tenant_tag(tenant), *(tier_tag(tenant, tier) for tier in TIERS)}
    head, _, rest = thing.name.partition(f"{tenant}-")
    return not head and rest.split("-", 1)[0] in ROLES


def _kind(token: str) -> Kind:
    return next(kind for kind in KINDS if kind.resource_type == token)


def _thing(kind: Kind, body: dict[str, Any]) -> Thing:
    networks = (body.get("networks") or {}).get("v4") or []
    private = [network["ip_address"] for network in networks if network.get("type") == "private"]
    connection = body.get("private_connection") or {}
    return Thing(
        kind=kind.resource_type,
        id=str(body[kind.identifier]),
        name=str(body["name"]),
        tags=frozenset(body.get("tags") or ()) if isinstance(body.get("tags"), list) else frozenset(),
        status=body.get("status", body.get("state")),
        created=str(body.get("created_at") or ""),
        private_address=private[0] if private else None,
        is_public=len(networks) > len(private),
        private_host=connection.get("host"),
    )


def address_of(service: Thing) -> str:
    """The private address of a database cluster, which only its private name tells. Raises InventoryError."""
    host = service.private_host
    try:
        return socket.gethostbyname(host or "")
    except OSError as error:
        msg = f"{service} is at {host!r}, which doesn't resolve here; run this where `pulumi up` runs"
        raise InventoryError(msg) from error


def _said(error: HttpResponseError) -> str:
    response: Any = error.response
    try:
        body = response.json() if response is not None else {}
    except ValueError:
        body = {}
    said = body.get("message") if isinstance(body, dict) else None
    way_out = "; check DIGITALOCEAN_TOKEN" if error.status_code in (401, 403) else ""
    return f"{error.status_code} {said or error.reason}{way_out}"
