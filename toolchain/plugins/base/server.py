"""A plugin's process: serves one provider on loopback, prints its port, ends with the engine."""

import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.schema import schema
from toolchain.plugins.base.servicer import Servicer

CALLS_AT_ONCE = 64
"""The engine's parallelism is 4 per processor; a call that waits for a droplet only sleeps."""
LARGEST_MESSAGE = 400 * 1024 * 1024
"""As in the Pulumi SDKs."""
SECONDS_BETWEEN_LOOKS = 1.0


def serve(provider: Provider) -> None:
    """Serve until the engine ends. Prints the port, and nothing else, to stdout, as Pulumi expects."""
    engine = os.getppid()
    if len(sys.argv) > 1:
        provider.log.connect(sys.argv[1])
    server, port = start(provider)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stop = threading.Event()
    # The engine closes a plugin by SIGINT and gives it five seconds. Ctrl-C doesn't come this far: a plugin
    # has a process group of its own, and the engine tells it to cancel by a call.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: stop.set())
    while os.getppid() == engine and not stop.wait(SECONDS_BETWEEN_LOOKS):
        pass
    provider.cancel()
    server.stop(grace=None)
    os._exit(0)  # calls that hang in the network must not outlive the engine


def sdk_version(package: str) -> str:
    """The version of the official plugin that the installed Python SDK (`pulumi_digitalocean`) asks for."""
    return str(json.loads((resources.files(package) / "pulumi-plugin.json").read_text())["version"])


def start(provider: Provider) -> tuple[grpc.Server, int]:
    """A running server for the provider, and its port on 127.0.0.1."""
    options = [
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ]
    server = grpc.server(ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="call"), options=options)
    servicer = Servicer(provider, lambda: json.dumps(schema(provider.facts, provider.version)))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
