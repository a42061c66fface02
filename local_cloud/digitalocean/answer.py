"""The way back of a call through the gate of either API: its status, and what the log says of it."""

import time

from starlette.types import Message, Scope, Send


class Answer:
    """Stands for the `send` that it was given."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._status = 0
        self._began = time.monotonic()

    @property
    def has_started(self) -> bool:
        return self._status != 0

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]

    @property
    def summary(self) -> str:
        """Method, path, status, milliseconds: no query, no body, no header, which may hold secrets."""
        elapsed = (time.monotonic() - self._began) * 1000
        return f"{self._scope['method']} {self._scope['path']} {self._status or 'dropped'} {elapsed:.0f}ms"
