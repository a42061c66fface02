"""What a call goes through that a fault is due for: it waits, is refused, or hears nothing."""

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud.digitalocean.faults import Fault

SERVER_SEND = "local_cloud.server_send"
"""Where the scope keeps the server's own `send`, which middleware above the gate wraps."""

INJECTED = "injected by a fault of this local cloud"


class Api(FastAPI):
    """Lets the gate, which is inside the framework's own middleware, reach the server's `send`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SERVER_SEND] = send
        await super().__call__(scope, receive, send)


async def suffer(
    fault: Fault, app: ASGIApp, failure: ASGIApp | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """`failure` answers with the fault's status, when it has one."""
    await asyncio.sleep(fault.latency)
    broken = fault.drop or failure is not None
    if not broken or fault.when == "after":
        await app(scope, receive, _swallow if broken else send)
    if fault.drop:
        await _drop(scope, receive)
    elif failure is not None:
        await failure(scope, receive, send)


async def _swallow(_message: Message) -> None:
    """Where the answer goes of a call whose caller never hears of it."""


async def _drop(scope: Scope, receive: Receive) -> None:
    """Closes the connection under the caller, without a word."""
    # ASGI has no way to: the server's own send is a method of its cycle, which has the transport.
    cycle: Any = scope[SERVER_SEND].__self__
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
