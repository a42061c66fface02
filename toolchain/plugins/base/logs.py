"""Messages to the engine, which shows them beside the resource that they are about."""

from contextlib import suppress
from contextvars import ContextVar
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

RESOURCE: Final[ContextVar[str]] = ContextVar("resource", default="")
"""The URN of the resource that the current call is about. Threads that a handler starts don't have it."""

SECONDS = 5.0
"""How long the engine may take to accept a message: a slow display must not hold up a command."""


class EngineLog:
    """The engine's log. Until it is connected, and once the engine has gone, messages go nowhere."""

    def __init__(self) -> None:
        self._engine: engine_pb2_grpc.EngineStub | None = None

    def connect(self, address: str) -> None:
        """Take the engine's address, the first argument of a plugin."""
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def status(self, message: str, *, about: str | None = None) -> None:
        """A message that shows what is going on just now, and is gone when the resource is done."""
        self._send(engine_pb2.INFO, message, about, ephemeral=True)

    def warning(self, message: str, *, about: str | None = None) -> None:
        """A message that stays."""
        self._send(engine_pb2.WARNING, message, about, ephemeral=False)

    def _send(
        self, severity: engine_pb2.LogSeverity.ValueType, message: str, about: str | None, *, ephemeral: bool
    ) -> None:
        if self._engine is None:
            return
        urn = RESOURCE.get() if about is None else about
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        with suppress(grpc.RpcError):
            self._engine.Log(request, timeout=SECONDS)
