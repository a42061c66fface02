"""Two APIs at one port, each untouched by the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_cloud import dispatcher
from local_cloud.dispatcher import Dispatcher


class Api:
    """An app that answers with its name and the path it was given, and remembers its life."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.life: list[str] = []
        self.reset_status = 204
        methods = ["GET", "POST"]
        self.app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=methods)], lifespan=self._live
        )

    def _answer(self, request: Request) -> Response:
        if request.url.path == "/_local/reset":
            return Response(status_code=self.reset_status)
        return PlainTextResponse(f"{self.name}: {request.url.path}")

    @asynccontextmanager
    async def _live(self, _: Starlette) -> AsyncIterator[None]:
        self.life.append("began")
        yield
        self.life.append("ended")


@asynccontextmanager
async def running(app: Dispatcher) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, for the time that a server would run it."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete", "it starts"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://local") as client:
        yield client
    await told.put({"type": "lifespan.shutdown"})
    await life


async def answer_to(app: Dispatcher, method: str, path: str) -> httpx.Response:
    async with running(app) as client:
        return await client.request(method, path)


@pytest.fixture
def apis() -> tuple[Api, Api]:
    return Api("digitalocean"), Api("tailscale")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v2/droplets", "digitalocean: /v2/droplets"),
        ("/_local/status", "digitalocean: /_local/status"),
        ("/api/v2/tailnet/-/keys", "tailscale: /api/v2/tailnet/-/keys"),
        ("/api/v2", "digitalocean: /api/v2"),
        ("/api/v22/x", "digitalocean: /api/v22/x"),
    ],
)
def test_each_call_reaches_the_api_whose_path_it_is(apis: tuple[Api, Api], path: str, answer: str) -> None:
    answered = asyncio.run(answer_to(Dispatcher(apis[0].app, apis[1].app), "GET", path))
    assert answered.text == answer, "with its path as it was"


def test_both_begin_and_end_with_the_server(apis: tuple[Api, Api]) -> None:
    async def live() -> None:
        async with running(Dispatcher(apis[0].app, apis[1].app)):
            assert [api.life for api in apis] == [["began"], ["began"]], "before the first call"

    asyncio.run(live())
    assert [api.life for api in apis] == [["began", "ended"]] * 2, "after the last"


@pytest.mark.parametrize(("status", "emptied"), [(204, ["the tailnet"]), (403, [])])
def test_a_reset_empties_the_tailnet_too_if_the_caller_may(
    apis: tuple[Api, Api], status: int, emptied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(dispatcher, "reset", seen.append)
    apis[0].reset_status, apis[1].app.state.tailnet = status, "the tailnet"
    answered = asyncio.run(answer_to(Dispatcher(apis[0].app, apis[1].app), "POST", "/_local/reset"))
    assert answered.status_code == status, "DigitalOcean's API decides"
    assert seen == emptied, "done before the answer, or not at all"
