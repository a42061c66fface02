"""The droplets' metadata service: http://169.254.169.254/metadata/v1/ as DigitalOcean documents it.

Who asks is told by the source address, which anti-spoofing makes trustworthy: a droplet sees its own alone.
"""

import json
import logging
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local_cloud.hypervisor.namespaces import entered
from local_cloud.hypervisor.networks.firewall import METADATA_ADDRESS

ROOT = "/metadata/v1"
PORT = 80

_LEAF_NAMES = {
    "droplet_id": "id",
    "user_data": "user-data",
    "vendor_data": "vendor-data",
    "public_keys": "public-keys",
    "ip_address": "address",
}
_ALWAYS_LISTED = ("id", "hostname", "user-data", "vendor-data", "public-keys", "region")

_log = logging.getLogger(__name__)


class Metadata:
    """What one droplet is told about itself."""

    def __init__(self, document: Mapping[str, Any], user_data: str | None) -> None:
        self._document = dict(document)
        if user_data is not None:
            self._document["user_data"] = user_data
        self._tree: dict[str, Any] = {**dict.fromkeys(_ALWAYS_LISTED, ""), **_tree(self._document)}
        self._tree["tags"] = {tag: tag for tag in self._document.get("tags", ())}

    def find(self, path: str) -> tuple[HTTPStatus, str]:
        """The answer for a path: status, and body or, for a redirect, the location."""
        if path == f"{ROOT}.json":
            return HTTPStatus.OK, json.dumps(self._document)
        if path != ROOT and not path.startswith(f"{ROOT}/"):
            return HTTPStatus.NOT_FOUND, "not found"
        node: Any = self._tree
        for part in filter(None, path.removeprefix(ROOT).split("/")):
            if not isinstance(node, dict) or part not in node:
                return HTTPStatus.NOT_FOUND, "not found"
            node = node[part]
        if not isinstance(node, dict):
            return (HTTPStatus.NOT_FOUND, "not found") if path.endswith("/") else (HTTPStatus.OK, node)
        if not path.endswith("/"):
            return HTTPStatus.MOVED_PERMANENTLY, f"{path}/"
        return HTTPStatus.OK, "\n".join(_index(node))


def _tree(value: Any) -> Any:
    """The JSON document as directories (dict) and files (str), under the names that the paths have."""
    if isinstance(value, Mapping):
        return {_LEAF_NAMES.get(key, key): _tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping) for item in value):
            return {str(index): _tree(item) for index, item in enumerate(value)}
        return "\n".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _index(directory: Mapping[str, Any]) -> list[str]:
    return [f"{name}/" if isinstance(node, dict) else name for name, node in directory.items()]


class MetadataServer:
    """The service of one network."""

    def __init__(self, namespace: str) -> None:
        self._by_address: dict[str, Metadata] = {}
        with entered(namespace):
            self._server = ThreadingHTTPServer((str(METADATA_ADDRESS), PORT), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.2},
            name=f"metadata {namespace}",
            daemon=True,
        )
        self._thread.start()

    def put(self, address: object, metadata: Metadata) -> None:
        self._by_address[str(address)] = metadata

    def remove(self, address: object) -> None:
        self._by_address.pop(str(address), None)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        by_address = self._by_address

        class Handler(_Handler):
            def metadata(self) -> Metadata | None:
                return by_address.get(self.client_address[0])

        return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def metadata(self) -> Metadata | None:
        raise NotImplementedError

    def do_GET(self) -> None:
        metadata = self.metadata()
        path = self.path.partition("?")[0]
        status, body = metadata.find(path) if metadata else (HTTPStatus.NOT_FOUND, "not found")
        self._answer(status, body, "application/json" if path.endswith(".json") else "text/plain")

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's

    def _answer(self, status: HTTPStatus, body: str, content_type: str) -> None:
        content = b"" if status is HTTPStatus.MOVED_PERMANENTLY else body.encode()
        self.send_response(status)
        if status is HTTPStatus.MOVED_PERMANENTLY:
            self.send_header("Location", body)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        _log.debug("%s %s", self.client_address[0], format % args)
