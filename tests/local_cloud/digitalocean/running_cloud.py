"""The API on a loopback port, with pydo and plain HTTP clients for it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pydo
import uvicorn
from azure.core.pipeline.policies import HeadersPolicy, RetryPolicy
from recording_hypervisor import RecordingHypervisor

from local_cloud.digitalocean import create_app

Value = TypeVar("Value")


def eventually(look: Callable[[], Value], wanted: Callable[[Value], bool], seconds: float = 10) -> Value:
    """Looks until what it sees is as wanted; fails with what it saw last."""
    deadline = time.monotonic() + seconds
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still not as wanted after {seconds} s: {seen}"
        time.sleep(0.01)
    return seen


class RunningCloud:
    def __init__(
        self, folder: Path, token: str, hypervisor: RecordingHypervisor | None = None, seed: int | None = 7
    ) -> None:
        self.folder = folder
        self.token = token
        self.hypervisor = hypervisor or RecordingHypervisor()
        app = create_app(folder / "cloud.db", self.hypervisor, seed=seed, default_token=token, workers=8)
        self.cloud = app.state.cloud
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        eventually(lambda: self._server.started, bool)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._clients: dict[str, httpx.Client] = {}

    def http(self, token: str | None = None) -> httpx.Client:
        """A plain client, as the default account or with another token."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        key = token or self.token
        if key not in self._clients:
            self._clients[key] = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        return self._clients[key]

    def pydo(self, token: str | None = None) -> Any:
        """DigitalOcean's own client. Its bearer policy wants https: another policy sets the header."""
        policy = HeadersPolicy(base_headers={"Authorization": f"Bearer {token or self.token}"})
        return pydo.Client(
            token=token or self.token,
            endpoint=self.url,
            authentication_policy=policy,
            retry_policy=RetryPolicy.no_retries(),
        )

    def account(self, name: str, **options: Any) -> str:
        """The token of a new account."""
        unique = f"{name}-{uuid4()}"
        answer = self.http().post("/_local/accounts", json={"name": unique, **options})
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    def stop(self) -> None:
        """Ends it as a service is ended: what runs in the background is waited for."""
        for client in self._clients.values():
            client.close()
        self._server.should_exit = True
        self._thread.join(20)
