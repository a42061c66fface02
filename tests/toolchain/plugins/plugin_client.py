"""A client that calls a stand-in as the engine does: over gRPC."""

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.server import start
from toolchain.plugins.base.values import Properties, decode, encode


class Plugin:
    """The stand-in as the engine sees it: over gRPC, with properties instead of messages."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._server, port = start(provider)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def urn(self, type: str) -> str:
        """Of the thing that tests make; `type` is a token, or the name of a bridged resource (`Vpc`)."""
        token = type if ":" in type else token_of(type, self.provider.facts.name)
        return f"urn:pulumi:dev::tenantry::{token}::thing"

    def close(self) -> None:
        self._channel.close()
        self._server.stop(grace=None).wait()
        self.provider.close()

    def configure(self, **settings: Any) -> Any:
        return self.stub.Configure(messages.ConfigureRequest(args=encode(settings)))

    def check(self, type: str, news: Properties, olds: Properties | None = None) -> Any:
        request = messages.CheckRequest(
            urn=self.urn(type), olds=encode(olds or {}), news=encode(news), randomSeed=b"seed"
        )
        return self.stub.Check(request)

    def checked(self, type: str, news: Properties) -> Properties:
        response = self.check(type, news)
        assert not response.failures, "these inputs are fine"
        return decode(response.inputs)

    def diff(self, type: str, state: Properties, old: Properties, new: Properties) -> Any:
        request = messages.DiffRequest(
            id="1", urn=self.urn(type), olds=encode(state), old_inputs=encode(old), news=encode(new)
        )
        return self.stub.Diff(request)

    def create(self, type: str, inputs: Properties, *, preview: bool = False) -> tuple[str, Properties]:
        request = messages.CreateRequest(urn=self.urn(type), properties=encode(inputs), preview=preview)
        response = self.stub.Create(request)
        return response.id, decode(response.properties)

    def make(self, type: str, news: Properties) -> tuple[str, Properties, Properties]:
        """Check and create: the id, the inputs, the state."""
        inputs = self.checked(type, news)
        return (made := self.create(type, inputs))[0], inputs, made[1]

    def read(
        self, type: str, id: str, state: Properties | None = None, inputs: Properties | None = None
    ) -> Any:
        return self.stub.Read(
            messages.ReadRequest(
                id=id, urn=self.urn(type), properties=encode(state or {}), inputs=encode(inputs or {})
            )
        )

    def update(self, type: str, id: str, state: Properties, old: Properties, new: Properties) -> Properties:
        request = messages.UpdateRequest(
            id=id, urn=self.urn(type), olds=encode(state), old_inputs=encode(old), news=encode(new)
        )
        return decode(self.stub.Update(request).properties)

    def delete(self, type: str, id: str, state: Properties | None = None) -> None:
        self.stub.Delete(messages.DeleteRequest(id=id, urn=self.urn(type), properties=encode(state or {})))

    def invoke(self, function: str, **arguments: Any) -> Properties:
        token = function if ":" in function else f"{self.provider.facts.name}:index/{function}:{function}"
        request = messages.InvokeRequest(tok=token, args=encode(arguments))
        return decode(getattr(self.stub.Invoke(request), "return"))

    def cancel(self) -> None:
        self.stub.Cancel(Empty())


def token_of(type: str, package: str = "digitalocean") -> str:
    return f"{package}:index/{type[0].lower()}{type[1:]}:{type}"
