"""A small fake of DigitalOcean's API: collections in memory, actions that are done at once, faults."""

import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ENVELOPES = {
    "droplets": "droplet",
    "firewalls": "firewall",
    "projects": "project",
    "tags": "tag",
    "volumes": "volume",
    "vpcs": "vpc",
    "vpc_nat_gateways": "vpc_nat_gateway",
    "databases": "database",
}

SERVER_ERROR = {"id": "server_error", "message": "Server was unable"}


@dataclass
class Fault:
    """What happens to calls that match: a status, or a connection that breaks before or after the deed."""

    method: str
    path: str
    status: int = 0
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(
        default_factory=lambda: {"id": "server_error", "message": "Server was unable"}
    )
    drops_after: bool = False
    drops_before: bool = False


class RefusalError(Exception):
    def __init__(self, status: int, id: str, message: str) -> None:
        super().__init__(message)
        self.status, self.id = status, id


class FakeApi:
    """The state behind the fake, and what tests may look at or set."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(32)
        self.things: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in ENVELOPES}
        self.rules: dict[str, list[dict[str, Any]]] = {}
        self.actions: dict[int, dict[str, Any]] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.faults: list[Fault] = []
        self.vpc_is_busy_for = 0
        self.action_status = "completed"
        self.polls_until_active = 1
        self.database_status = "online"
        self.lock = threading.RLock()
        self.url = ""

    def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        """The bodies of the calls made so far that match."""
        return [body for verb, where, body in self.calls if verb == method and re.fullmatch(path, where)]

    def fault(self, method: str, path: str) -> Fault | None:
        for each in self.faults:
            if each.method == method and re.fullmatch(each.path, path) and each.times > 0:
                each.times -= 1
                return each
        return None

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        with self.lock:
            parts = path.removeprefix("/v2/").split("/")
            if parts[0] == "actions":
                return 200, {"action": self.actions[int(parts[1])]}
            if parts[-1] == "actions":
                return 201, {"action": self._act(parts[0], parts[1], body)}
            if parts[-1] == "resources":
                return self._resources(method, parts, body)
            if parts[0] == "databases" and parts[-1] == "firewall":
                return self._trusted(method, parts[1], body)
            if parts[0] not in self.things:
                raise RefusalError(501, "not_implemented", f"the fake has no {parts[0]}")
            return self._collection(method, parts, query, body)

    def _collection(
        self, method: str, parts: list[str], query: dict[str, list[str]], body: Any
    ) -> tuple[int, Any]:
        name, things = parts[0], self.things[parts[0]]
        envelope = ENVELOPES[name]
        if len(parts) == 1 and method == "POST":
            made = self._create(name, body)
            answer = {envelope: made}
            if name == "droplets" and self.action_status == "errored":
                action = self._act(name, str(made["id"]), {"type": "create"})
                answer["links"] = {"actions": [{"id": action["id"], "rel": "create"}]}
            return 202 if name in ("droplets", "firewalls", "vpc_nat_gateways") else 201, answer
        if len(parts) == 1:
            wanted = query.get("name", [None])[0]
            listed = [each for each in things.values() if wanted in (None, each["name"])]
            return 200, {name: listed, "links": {}, "meta": {"total": len(listed)}}
        if parts[1] not in things:
            raise RefusalError(404, "not_found", "The resource you were accessing could not be found.")
        return self._one(method, name, parts[1], body)

    def _one(self, method: str, name: str, id: str, body: Any) -> tuple[int, Any]:
        thing = self.things[name][id]
        if method in ("PUT", "PATCH"):
            thing.update(body)
        if method == "DELETE":
            if name == "vpcs" and self.vpc_is_busy_for > 0:
                self.vpc_is_busy_for -= 1
                raise RefusalError(403, "forbidden", "Can not delete VPC with members")
            del self.things[name][id]
            return 202 if name == "vpc_nat_gateways" else 204, None
        thing["polls"] = thing.get("polls", 0) + 1
        if thing.get("status") in ("new", "creating") and thing["polls"] >= self.polls_until_active:
            thing["status"] = self.database_status if name == "databases" else "active"
        return 200, {ENVELOPES[name]: {key: value for key, value in thing.items() if key != "polls"}}

    def _create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if name != "droplets" and any(each["name"] == body["name"] for each in self.things[name].values()):
            if name == "tags":
                return self.things[name][body["name"]]
            raise RefusalError(
                422, "unprocessable_entity", f"a {ENVELOPES[name]} named {body['name']} already exists"
            )
        thing = {**body, **self._extra(name, body), "created_at": datetime.now(UTC).isoformat()}
        self.things[name][str(thing["id"])] = thing
        return thing

    def _extra(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        identity = secrets.token_hex(8)
        match name:
            case "tags":
                return {"id": body["name"], "resources": {"count": 0, "droplets": {"count": 0}}}
            case "vpcs":
                return {
                    "id": identity,
                    "urn": f"do:vpc:{identity}",
                    "ip_range": body.get("ip_range", "10.9.0.0/20"),
                    "default": False,
                }
            case "droplets":
                return self._droplet(body)
            case "databases":
                return self._database(identity, body)
            case "vpc_nat_gateways":
                return {
                    "id": identity,
                    "state": "ACTIVE",
                    "egresses": [{"public_gateways": [{"ipv4": "198.18.0.9"}]}],
                }
            case _:
                return {"id": identity}

    def _droplet(self, body: dict[str, Any]) -> dict[str, Any]:
        number = 1000 + len(self.things["droplets"])
        networks = {"v4": [{"type": "private", "ip_address": "10.9.0.2"}], "v6": []}
        return {
            "id": number,
            "status": "new",
            "locked": False,
            "features": [],
            "networks": networks,
            "image": {"id": 1, "slug": body["image"]},
            "region": {"slug": body.get("region", "nyc3")},
            "size_slug": body["size"],
            "size": {"slug": body["size"], "price_hourly": 0.00893, "price_monthly": 6},
            "volume_ids": body.get("volumes", []),
            "vcpus": 1,
            "memory": 1024,
            "disk": 25,
        }

    def _database(self, identity: str, body: dict[str, Any]) -> dict[str, Any]:
        password = secrets.token_hex(12)
        return {
            "id": identity,
            "status": "creating",
            "tags": body.get("tags", []),
            "connection": {
                "host": "db.example",
                "port": 25060,
                "user": "doadmin",
                "password": password,
                "database": "defaultdb",
                "uri": f"postgresql://doadmin:{password}@db.example",
            },
            "private_connection": {
                "host": "private-db.example",
                "uri": f"postgresql://doadmin:{password}@private-db.example",
            },
        }

    def _act(self, name: str, id: str, body: dict[str, Any]) -> dict[str, Any]:
        thing = self.things[name].get(id)
        if thing is None:
            raise RefusalError(404, "not_found", "The resource you were accessing could not be found.")
        action = {
            "id": len(self.actions) + 1,
            "type": body["type"],
            "status": self.action_status,
            "resource_id": id,
            "resource_type": ENVELOPES[name],
        }
        if self.action_status == "errored":
            action["message"] = "the hypervisor is out of memory"
        else:
            self._carry_out(thing, body)
        self.actions[action["id"]] = action
        return action

    @staticmethod
    def _carry_out(thing: dict[str, Any], body: dict[str, Any]) -> None:
        match body["type"]:
            case "rename":
                thing["name"] = body["name"]
            case "resize":
                thing.update(size_slug=body.get("size"), size_gigabytes=body.get("size_gigabytes"))
            case "power_off" | "shutdown":
                thing["status"] = "off"
            case "power_on":
                thing["status"] = "active"

    def _resources(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        if parts[0] == "tags":
            for each in body["resources"]:
                tags = self.things[each["resource_type"] + "s"][each["resource_id"]].setdefault("tags", [])
                tags.append(parts[1]) if method == "POST" else tags.remove(parts[1])
            return 204, None
        held = self.rules.setdefault(parts[1], [])
        if method == "POST":
            held.extend({"urn": urn, "status": "ok"} for urn in body["resources"])
        return 200, {"resources": held, "links": {}, "meta": {"total": len(held)}}

    def _trusted(self, method: str, cluster: str, body: Any) -> tuple[int, Any]:
        if cluster not in self.things["databases"]:
            raise RefusalError(404, "not_found", "cluster not found")
        if method == "PUT":
            self.rules[cluster] = [
                {**rule, "uuid": secrets.token_hex(4), "created_at": "2026-01-01"} for rule in body["rules"]
            ]
            return 204, None
        return 200, {"rules": self.rules.get(cluster, [])}


class Handler(BaseHTTPRequestHandler):
    api: FakeApi
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        fault = self.api.fault(self.command, url.path)
        if fault and fault.drops_before:
            self.close_connection = True
            return
        self.api.calls.append((self.command, url.path, body))
        if fault and fault.status:
            self.reply(fault.status, fault.body, fault.headers)
            return
        status, answer = self.decide(url.path, parse_qs(url.query), body)
        if fault and fault.drops_after:
            self.close_connection = True
            return
        self.reply(status, answer, {})

    def decide(self, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if self.headers.get("authorization") != f"Bearer {self.api.token}":
            return 401, {"id": "unauthorized", "message": "Unable to authenticate you"}
        try:
            return self.api.answer(self.command, path, query, body)
        except RefusalError as refusal:
            return refusal.status, {"id": refusal.id, "message": str(refusal), "request_id": "req-1"}

    def reply(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {
            **headers,
            "content-type": "application/json",
            "content-length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at `calls`."""


@contextmanager
def serve_fake() -> Iterator[FakeApi]:
    api = FakeApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"api": api}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
