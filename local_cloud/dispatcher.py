"""Both APIs at one port: Tailscale's under /api/v2, DigitalOcean's everywhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud.tailscale.reset import reset

TAILSCALE_PREFIX = "/api/v2/"
RESET_PATH = "/_local/reset"


class Dispatcher:
    """Hands each call to the one whose path it is, untouched; both start and end with the server."""

    def __init__(self, digitalocean: Starlette, tailscale: Starlette) -> None:
        self._digitalocean = digitalocean
        self._tailscale = tailscale
        self._life = Starlette(lifespan=self._both)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == RESET_PATH:
            await self._reset(scope, receive, send)
        else:
            await self._whose(scope)(scope, receive, send)

    async def _reset(self, scope: Scope, receive: Receive, send: Send) -> None:
        """DigitalOcean's decides whether the caller may; the tailnet is emptied before he is answered."""

        async def send_when_both_are(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                await asyncio.to_thread(reset, self._tailscale.state.tailnet)
            await send(message)

        await self._digitalocean(scope, receive, send_when_both_are)

    def _whose(self, scope: Scope) -> ASGIApp:
        if scope["type"] == "lifespan":
            return self._life
        if scope["path"].startswith(TAILSCALE_PREFIX):
            return self._tailscale
        return self._digitalocean

    @asynccontextmanager
    async def _both(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in (self._digitalocean, self._tailscale):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield
