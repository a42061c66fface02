"""A small fake of Tailscale's API: one tailnet in memory, faults on demand."""

import json
import re
import secrets
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from digitalocean_fake import Fault

DEFAULT_POLICY = (
    '// everybody may do everything\n{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
)
NINETY_DAYS = 7776000


class RefusalError(Exception):
    def __init__(self, status: int, message: str, data: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status, self.data = status, data


class FakeTailnet:
    """The state behind the fake, and what tests may look at or set."""

    def __init__(self) -> None:
        self.api_key = secrets.token_hex(16)
        self.client_secret = secrets.token_hex(16)
        self.access_token = ""
        self.policy = DEFAULT_POLICY
        self.policy_is_default = True
        self.keys: dict[str, dict[str, Any]] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, Any] = {
            "dns/nameservers": {"dns": []},
            "dns/preferences": {"magicDNS": False},
            "dns/searchpaths": {"searchPaths": []},
            "dns/split-dns": {},
            "dns/configuration": {"preferences": {}},
            "settings": {"devicesApprovalOn": False, "usersRoleAllowedToJoinExternalTailnets": "none"},
            "contacts": {
                kind: {"email": "nobody@example.com"} for kind in ("account", "security", "support")
            },
        }
        self.users = [{"id": "u1", "loginName": "ann@example.com", "role": "owner", "type": "member"}]
        self.calls: list[tuple[str, str, Any]] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.url = ""

    def add_device(self, hostname: str, **more: Any) -> dict[str, Any]:
        number = str(len(self.devices) + 100)
        device = {
            "id": number,
            "nodeId": f"n{number}",
            "hostname": hostname,
            "name": f"{hostname}.local.tailnet",
            "addresses": ["100.64.0.9", "fd7a:115c:a1e0::9"],
            "authorized": False,
            "tags": [],
            **more,
        }
        self.devices[number] = device
        return device

    def requests(self, method: str, path: str) -> list[Any]:
        """The bodies of the calls made so far that match."""
        return [body for verb, where, body in self.calls if verb == method and re.fullmatch(path, where)]

    def fault(self, method: str, path: str) -> Fault | None:
        for each in self.faults:
            if each.method == method and re.fullmatch(each.path, path) and each.times > 0:
                each.times -= 1
                return each
        return None

    def answer(  # noqa: PLR0911 - one for each kind of thing
        self, method: str, parts: list[str], query: dict[str, list[str]], body: Any, etag: str
    ) -> Any:
        with self.lock:
            match parts:
                case ["tailnet", _, "acl", *rest]:
                    return self._acl(method, rest, body, etag)
                case ["tailnet", _, "keys", *rest]:
                    return self._keys(method, rest, body)
                case ["tailnet", _, "devices"]:
                    return {"devices": [each for each in self.devices.values() if _passes(each, query)]}
                case ["device", id, *rest]:
                    return self._device(method, id, rest, body)
                case ["tailnet", _, "users"]:
                    return {"users": self.users}
                case ["users", id]:
                    return next(user for user in self.users if user["id"] == id)
                case ["tailnet", _, "webhooks"] | ["webhooks", _]:
                    return self._webhooks(method, parts, body)
                case ["tailnet", _, *rest]:
                    return self._document(method, rest, body)
            raise RefusalError(404, "page not found")

    def _acl(self, method: str, rest: list[str], body: str, etag: str) -> Any:
        if method == "GET":
            return self.policy
        if rest == ["validate"]:
            wrong = {"message": "test(s) failed", "data": [{"user": "ann", "errors": ["no way"]}]}
            return wrong if "failing" in body else {}
        if etag == "ts-default" and not self.policy_is_default:
            raise RefusalError(412, "precondition failed, invalid old hash")
        self.policy, self.policy_is_default = body or DEFAULT_POLICY, not body
        return self.policy

    def _keys(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest:
            key = self._key(body)
            self.keys[key["id"]] = {name: value for name, value in key.items() if name != "key"}
            return key
        if rest[0] not in self.keys:
            raise RefusalError(404, "key not found")
        if method == "DELETE":
            return self.keys.pop(rest[0]) and {}
        if method == "PUT":
            self.keys[rest[0]].update(body)
        return self.keys[rest[0]]

    @staticmethod
    def _key(body: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        kind = body.get("keyType", "auth")
        seconds = body.get("expirySeconds", NINETY_DAYS)
        return {
            **body,
            "id": "k" + secrets.token_hex(6),
            "key": f"tskey-{kind}-" + secrets.token_hex(8),
            "keyType": kind,
            "created": now.isoformat(),
            "expires": (now + timedelta(seconds=seconds)).isoformat(),
            "expirySeconds": seconds,
            "invalid": False,
            "userId": "u1",
        }

    def _device(self, method: str, id: str, rest: list[str], body: Any) -> Any:
        device = next((each for each in self.devices.values() if id in (each["id"], each["nodeId"])), None)
        if device is None:
            raise RefusalError(404, "device not found")
        if method == "POST":
            changes = {"enabledRoutes": body["routes"]} if rest == ["routes"] else body
            device.update(changes)
            return {}
        return {"enabledRoutes": device.get("enabledRoutes", [])} if rest == ["routes"] else device

    def _webhooks(self, method: str, parts: list[str], body: Any) -> Any:
        if parts[0] == "tailnet":
            hook = {**body, "endpointId": secrets.token_hex(4), "secret": secrets.token_hex(8)}
            self.webhooks[hook["endpointId"]] = {key: hook[key] for key in hook if key != "secret"}
            return hook
        if parts[1] not in self.webhooks:
            raise RefusalError(404, "webhook not found")
        if method == "DELETE":
            return self.webhooks.pop(parts[1]) and {}
        self.webhooks[parts[1]].update(body or {})
        return self.webhooks[parts[1]]

    def _document(self, method: str, rest: list[str], body: Any) -> Any:
        if rest[0] == "contacts" and len(rest) > 1:
            self.documents["contacts"][rest[1]].update(body)
            return {}
        name = "/".join(rest)
        if name not in self.documents:
            raise RefusalError(404, f"the fake has no {name}")
        if method == "POST":
            self.documents[name] = body
        if method == "PATCH":
            self.documents[name].update(body)
        return self.documents[name]

    def authorizes(self, header: str) -> bool:
        kind, _, value = header.partition(" ")
        if kind == "Basic":
            return b64decode(value).decode() == f"{self.api_key}:"
        return bool(self.access_token) and value == self.access_token


def _passes(device: dict[str, Any], query: dict[str, list[str]]) -> bool:
    def values(name: str) -> set[str]:
        value = device.get(name)
        return set(map(str, value if isinstance(value, list) else [value]))

    return all(values(name) & set(wanted) for name, wanted in query.items())


class Handler(BaseHTTPRequestHandler):
    tailnet: FakeTailnet
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        is_json = self.headers.get("content-type") == "application/json"
        body = json.loads(text) if text and is_json else text
        fault = self.tailnet.fault(self.command, url.path)
        self.tailnet.calls.append((self.command, url.path, body))
        if fault and fault.status:
            self.reply(fault.status, fault.body)
            return
        status, answer = self.decide(url.path, parse_qs(url.query), body)
        if fault and fault.drops_after:
            self.close_connection = True
            return
        self.reply(status, answer)

    def decide(self, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "/api/v2/oauth/token":
            return self.token(parse_qs(body))
        if not self.tailnet.authorizes(self.headers.get("authorization", "")):
            return 401, {"message": "API token invalid"}
        parts = [unquote(part) for part in path.removeprefix("/api/v2/").split("/")]
        etag = self.headers.get("if-match", "").strip('"')
        try:
            return 200, self.tailnet.answer(self.command, parts, query, body, etag)
        except RefusalError as refusal:
            return refusal.status, {"message": str(refusal), "data": refusal.data}

    def token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        if form.get("client_secret") != [self.tailnet.client_secret]:
            return 401, {"message": "API token invalid"}
        self.tailnet.access_token = secrets.token_hex(8)
        return 200, {"access_token": self.tailnet.access_token, "expires_in": 3600}

    def reply(self, status: int, answer: Any) -> None:
        content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header(
            "content-type", "application/hujson" if isinstance(answer, str) else "application/json"
        )
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at `calls`."""


@contextmanager
def serve_tailnet() -> Iterator[FakeTailnet]:
    tailnet = FakeTailnet()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"tailnet": tailnet}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    tailnet.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield tailnet
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
