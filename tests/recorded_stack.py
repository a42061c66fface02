"""A stand-in for the engine that remembers what a program asked for, secrets and options included."""

import asyncio
import contextvars
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc, settings
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import ROOT
from pulumi.runtime.stack import run_in_stack

MARK = rpc._special_sig_key
"""The property by which the engine's protocol marks a value as special; here: as secret."""

ADDRESSES = {"private-database.example": "10.32.0.3", "private-cache.example": "10.32.0.4"}


HOST_KEY = "ssh-ed25519 " + "A" * 68
"""What the mesh's side of a host shows."""

PLATFORM: dict[str, Any] = {
    "tenants": ["acme", "globex"],
    "mesh": {
        "login_server": "https://192.200.0.101",
        "coordination": ["192.200.0.101/32"],
        "peers": ["198.18.255.0/24"],
    },
    "vault": {"address": "https://100.64.0.2:8200", "certificate": "CA of the vault\n"},
    "ssh_ca": "ssh-ed25519 " + "B" * 68,
    "tenant_cas": {"acme": "CA of acme\n", "globex": "CA of globex\n"},
    "role_ids": {
        tenant: {role: f"role-of-{tenant}-{role}" for role in ("guardrail", "agent")}
        for tenant in ("acme", "globex")
    },
}
"""The platform's outputs, as a tenant's stack reads them."""


@dataclass(frozen=True)
class Registered:
    """A resource as the program registered it. `props` has secrets as {MARK: …, "value": …}."""

    type: str
    name: str
    urn: str
    parent: str
    props: dict[str, Any]
    protect: bool
    dependencies: tuple[str, ...]
    property_dependencies: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Recording:
    """Everything that one run registered, in order."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def of_type(self, token: str) -> list[Registered]:
        """By name: the engine's order of registration is no promise."""
        found = [resource for resource in self.resources if resource.type == token]
        return sorted(found, key=lambda resource: resource.name)

    def one(self, token: str, name: str | None = None) -> Registered:
        found = [item for item in self.of_type(token) if name in (None, item.name)]
        assert len(found) == 1, f"wanted one {token} {name or ''}, got {[item.name for item in found]}"
        return found[0]

    @property
    def stack_outputs(self) -> dict[str, Any]:
        return next(outputs for urn, outputs in self.outputs.items() if "pulumi:pulumi:Stack" in urn)


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and MARK in value


def plain(value: Any) -> Any:
    """A property's value without the mark of secrecy."""
    return value["value"] if is_secret(value) else value


class DigitalOcean(Mocks):
    """Answers as the provider would: ids, hosts, passwords."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ.endswith(":DatabaseCluster"):
            kind = "database" if args.inputs["engine"] == "pg" else "cache"
            state |= {
                "privateHost": f"private-{kind}.example",
                "port": 25060 if kind == "database" else 25061,
            }
            state |= {"user": "doadmin", "password": secret_of(kind)}
        if args.typ.endswith(":DatabaseUser"):
            state["password"] = secret_of(args.inputs["name"])
        if args.typ.endswith(":Droplet"):
            state |= {"ipv4AddressPrivate": "10.32.0.9", "dropletUrn": f"do:droplet:{args.name}"}
            return droplet_id(args.name), state
        if args.typ.endswith(":TailnetKey"):
            state |= {"key": secret_of(args.name), "expiresAt": "2030-01-01T00:00:00Z"}
        if args.typ == "command:local:Command":
            state["stdout"] = HOST_KEY
        if args.typ.startswith("pulumi-python:dynamic"):
            state |= {"serial": "00:01", "accessor": None}
            state |= {"public": f"public half of {args.name}", "role_id": f"id of {args.name}"}
        return f"id-of-{args.name}", state

    def call(self, args: MockCallArgs) -> Any:
        self._recording.calls.append(args.token)
        region = {"slug": "nyc3", "available": True, "sizes": [], "features": [], "name": "New York 3"}
        answers: dict[str, dict[str, Any]] = {
            "getDatabaseCa": {
                "certificate": f"CA of {args.args.get('clusterId')}\n",
                "clusterId": "",
                "id": "",
            },
            "getRegions": {"regions": [region], "id": "regions"},
            "getSizes": {"sizes": [_size("s-1vcpu-1gb"), _size("s-1vcpu-2gb")], "id": "sizes"},
            "getDevice": {
                "hostname": args.args.get("hostname"),
                "nodeId": f"device-of-{args.args.get('hostname')}",
                "addresses": ["100.64.0.9", "fd7a:115c:a1e0::9"],
            },
            "readStackOutputs": {"outputs": PLATFORM},
            "getImages": {"images": [{"slug": "debian-12-x64", "regions": ["nyc3"]}], "id": "images"},
        }
        return answers[args.token.rsplit(":", 1)[-1]]


def droplet_id(name: str) -> str:
    """The id that the stand-in gives a droplet: a number, as DigitalOcean's are."""
    return str(zlib.crc32(name.encode()))


def secret_of(kind: str) -> str:
    """A fake password, made here and found nowhere else."""
    return f"fake-{kind}-{'x' * 12}"


def _size(slug: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("disk", "memory", "vcpus", "priceHourly", "priceMonthly", "transfer"), 1)
    return {"slug": slug, "available": True, "regions": ["nyc3"], "gpuInfos": [], **numbers}


class _Monitor(MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(DigitalOcean(recording))
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        response = super().RegisterResource(request)
        self._recording.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                urn=response.urn,
                parent=request.parent,
                props=MessageToDict(request.object),
                protect=bool(request.protect),
                dependencies=tuple(request.dependencies),
                property_dependencies={
                    key: tuple(value.urns) for key, value in request.propertyDependencies.items()
                },
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        self._recording.outputs.setdefault(request.urn, {}).update(MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)


def record(program: Callable[[], object], *, stack: str = "acme", preview: bool = False) -> Recording:
    """Runs a program against the stand-in, and hands out what it registered; its errors pass through."""
    recording = Recording()
    contextvars.copy_context().run(_run, program, recording, stack, preview)
    return recording


def _run(program: Callable[[], object], recording: Recording, stack: str, preview: bool) -> None:  # noqa: FBT001
    with _closed_loops() as loop, _private_names():
        monitor = _Monitor(recording)
        set_mocks(DigitalOcean(recording), "tenantry", stack, preview=preview, monitor=monitor)
        ROOT.set(None)
        _forget_the_last_program()
        loop.run_until_complete(run_in_stack(lambda: _nothing(program())))


def _forget_the_last_program() -> None:
    """What a program that failed has left waiting would fail the next one."""
    settings.SETTINGS.rpc_manager.clear()
    settings.SETTINGS.outputs.clear()


@contextmanager
def _closed_loops() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop to run in; the SDK's mocks make more, one a thread, and would leave them all open."""
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    with patch("asyncio.new_event_loop", remembered):
        loop = remembered()
        asyncio.set_event_loop(loop)
        try:
            yield loop
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            for each in made:
                each.close()


def _nothing(_: object) -> None:
    return None


@contextmanager
def _private_names() -> Iterator[None]:
    def getaddrinfo(host: str, *_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", (ADDRESSES[host], 0))]

    with patch("socket.getaddrinfo", getaddrinfo):
        yield


def fake_public_key() -> str:
    return "ssh-ed25519 " + "A" * 68 + " somebody"


def texts_in(value: Any) -> str:
    """Everything that a recorded value holds, as one text to search in."""
    return json.dumps(value)


__all__ = [
    "Recording",
    "Registered",
    "fake_public_key",
    "is_secret",
    "plain",
    "pulumi",
    "record",
    "secret_of",
]
