"""The API on a loopback port, with plain HTTP clients for it."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from recording_coordination import RecordingCoordination

from local_cloud.tailscale import create_app
from local_cloud.tailscale.reset import reset

START_SECONDS = 10


def serve(app: Any) -> tuple[uvicorn.Server, threading.Thread, str]:
    """A server of the app, the thread it runs in, and its URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server has given up before it was up"
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, thread, f"http://127.0.0.1:{port}"


class RunningTailnet:
    def __init__(self, folder: Path, coordination: RecordingCoordination, api_key: str) -> None:
        self.coordination = coordination
        self.api_key = api_key
        app = create_app(folder / "tailnet.db", coordination, api_key=api_key)
        self.tailnet = app.state.tailnet
        self.reset: Callable[[], None] = partial(reset, app.state.tailnet)
        self._server, self._thread, self.url = serve(app)
        self._clients: list[httpx.Client] = []
        self.http = self.client(headers={"Authorization": f"Bearer {api_key}"})

    def client(self, **options: Any) -> httpx.Client:
        """A client of its own: with another token, or with none."""
        client = httpx.Client(base_url=f"{self.url}/api/v2", timeout=20, **options)
        self._clients.append(client)
        return client

    def as_client(self, *scopes: str, tags: tuple[str, ...] = ()) -> httpx.Client:
        """Whoever has a token of a new OAuth client with these scopes."""
        order = {"keyType": "client", "scopes": list(scopes), "tags": list(tags)}
        made = self.http.post("/tailnet/-/keys", json=order)
        assert made.status_code == 200, made.text
        form = {"client_id": made.json()["id"], "client_secret": made.json()["key"]}
        token = self.client().post("/oauth/token", data=form)
        assert token.status_code == 200, token.text
        return self.client(headers={"Authorization": f"Bearer {token.json()['access_token']}"})

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(20)
