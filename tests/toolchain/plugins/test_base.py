"""The parts of the base that need no engine: values on the wire, schema, waiting, filters, settings."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pydo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.plugins.base.calls import Patience
from toolchain.plugins.base.errors import Cancelled, NotConfigured, ProviderError, TimedOut
from toolchain.plugins.base.facts import camel, load, snake
from toolchain.plugins.base.logs import EngineLog
from toolchain.plugins.base.schema import schema
from toolchain.plugins.base.values import UNKNOWN, Secret, conceal, decode, encode, reveal
from toolchain.plugins.base.waiting import Waiter
from toolchain.plugins.digitalocean import provider
from toolchain.plugins.digitalocean.api import Api
from toolchain.plugins.digitalocean.collection import Collection
from toolchain.plugins.digitalocean.filters import chosen
from toolchain.plugins.digitalocean.functions import Functions
from toolchain.plugins.digitalocean.provider import RESOURCES, connection_settings
from toolchain.plugins.tailscale import provider as tailscale_provider
from toolchain.plugins.tailscale.api import Api as TailscaleApi
from toolchain.plugins.tailscale.functions import Functions as TailscaleFunctions

FACTS = load("digitalocean")

SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just(UNKNOWN)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), VALUES | VALUES.map(Secret), max_size=4))
def test_properties_survive_the_wire(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


def test_a_secret_shows_itself_to_nobody() -> None:
    assert "hunter" not in repr({"password": [Secret("hunter")]})


def test_concealing_wraps_a_property_once() -> None:
    once = conceal({"a": {"b": Secret(1)}}, {"a"})
    assert once == {"a": Secret({"b": 1})}
    assert conceal(once, {"a"}) == once
    assert reveal(once) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("pulumi", "api"),
    [
        ("ipv4AddressPrivate", "ipv4_address_private"),
        ("vpcUuid", "vpc_uuid"),
        ("sha1Fingerprint", "sha1_fingerprint"),
    ],
)
def test_names_are_spelled_as_the_api_spells_them(pulumi: str, api: str) -> None:
    assert snake(pulumi) == api
    assert camel(api) == pulumi


def test_the_schema_refers_to_types_that_it_has() -> None:
    made = schema(FACTS, "4.84.1")

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"].removeprefix("#/types/")} if "$ref" in value else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    assert references(made) <= made["types"].keys(), "a dangling reference stops `pulumi import`"
    assert "digitalocean:index/FirewallInboundRule:FirewallInboundRule" in made["types"], "the SDK's own name"


@pytest.fixture(scope="module")
def operations() -> set[str]:
    """Every operation of pydo, as `group.name`."""
    client = pydo.Client("none")
    return {
        f"{group}.{name}"
        for group, operations in vars(client).items()
        if not group.startswith("_")
        for name in dir(operations)
    }


@pytest.mark.parametrize("handler", RESOURCES, ids=lambda handler: handler.__name__)
def test_every_operation_of_a_handler_exists_in_pydo(handler: type[Collection], operations: set[str]) -> None:
    changeable = any(not each.replace for each in FACTS.resources[handler.token].inputs.values())
    verbs = ("create", "get", "delete", *(("update",) if changeable else ()))
    common = {verb for verb in verbs if uses_the_common(handler, verb)}
    used = {verb: verb for verb in common} | dict(handler.operations)
    missing = {f"{handler.group}.{name}" for name in used.values()} - operations
    assert not missing, "a name that pydo lacks fails only when it is called"


def uses_the_common(handler: type[Collection], verb: str) -> bool:
    return getattr(handler, verb) is getattr(Collection, verb) and not (
        verb == "get" and handler.read is not Collection.read
    )


def test_every_operation_that_is_spelled_out_exists_in_pydo(operations: set[str]) -> None:
    calls = re.compile(r'(?:call|items|act|create)\((?:self\.api, |api, )?"([a-z_]+\.[a-z_]+)"')
    sources = Path(provider.__file__).parent.glob("*.py")
    used = {name for source in sources for name in calls.findall(source.read_text())}
    assert len(used) > 20, "the pattern finds the calls"
    assert not used - operations, "a name that pydo lacks fails only when it is called"


def test_a_wait_ends_at_its_deadline_and_says_for_what() -> None:
    with pytest.raises(TimedOut, match=r"droplet 1 to be active: not done after 0\.3 s"):
        Waiter().until("droplet 1 to be active", lambda: None, seconds=0.3)


def test_a_cancelled_waiter_waits_no_more() -> None:
    waiter = Waiter()
    waiter.cancel()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        waiter.until("anything", lambda: None, seconds=60)
    assert time.monotonic() - begun < 1


def test_cancelling_interrupts_what_is_under_way_and_nothing_else() -> None:
    waiter, seen = Waiter(), []
    with waiter.interrupting(lambda: seen.append("over")):
        pass
    with waiter.interrupting(lambda: seen.append("under way")):
        waiter.cancel()
    with waiter.interrupting(lambda: seen.append("late")):
        pass
    assert seen == ["under way", "late"], "what begins after that is interrupted too"


def test_messages_go_nowhere_until_there_is_an_engine_and_once_it_has_gone() -> None:
    log = EngineLog()
    log.status("nobody hears this")
    log.connect("127.0.0.1:9")
    log.warning("nor this")


@pytest.mark.parametrize(
    ("attempt", "asked", "expected"), [(0, None, 1), (3, None, 8), (9, None, 30), (0, 7, 7)]
)
def test_waits_before_another_try_grow_to_a_limit(attempt: int, asked: float | None, expected: float) -> None:
    assert Patience().wait(attempt, asked) == expected


SIZES = [
    {"slug": "s-1vcpu-1gb", "regions": ["nyc3", "sfo3"], "memory": 1024, "available": True},
    {"slug": "s-2vcpu-2gb", "regions": ["nyc3"], "memory": 2048, "available": True},
    {"slug": "c-2", "regions": ["sfo3"], "memory": 4096, "available": False},
]


@pytest.mark.parametrize(
    ("rule", "slugs"),
    [
        ({"key": "slug", "values": ["c-2"]}, ["c-2"]),
        ({"key": "slug", "values": ["vcpu"], "matchBy": "substring"}, ["s-1vcpu-1gb", "s-2vcpu-2gb"]),
        ({"key": "slug", "values": ["^c"], "matchBy": "re"}, ["c-2"]),
        ({"key": "regions", "values": ["nyc3", "sfo3"], "all": True}, ["s-1vcpu-1gb"]),
        ({"key": "available", "values": ["false"]}, ["c-2"]),
        ({"key": "memory", "values": ["2048", "4096"]}, ["s-2vcpu-2gb", "c-2"]),
    ],
)
def test_filters_choose_as_the_official_ones_do(rule: dict[str, Any], slugs: list[str]) -> None:
    assert [each["slug"] for each in chosen(SIZES, {"filters": [rule]})] == slugs


def test_sorts_order_and_can_be_reversed() -> None:
    found = chosen(SIZES, {"sorts": [{"key": "memory", "direction": "desc"}]})
    assert [each["memory"] for each in found] == [4096, 2048, 1024]


def test_an_unknown_way_to_match_is_named() -> None:
    with pytest.raises(ProviderError, match="fuzzy"):
        chosen(SIZES, {"filters": [{"key": "slug", "values": ["x"], "matchBy": "fuzzy"}]})


def test_settings_come_from_the_program_first_then_the_environment() -> None:
    environment = {"DIGITALOCEAN_TOKEN": "from-there", "DIGITALOCEAN_API_URL": "http://127.0.0.1:1/"}
    assert connection_settings({}, environment).endpoint == "http://127.0.0.1:1"
    assert connection_settings({"token": "from-here"}, environment).token == "from-here"
    assert connection_settings({}, {"DIGITALOCEAN_ACCESS_TOKEN": "other"}).token == "other"


def test_settings_never_show_their_token() -> None:
    assert "hidden" not in repr(connection_settings({"token": "hidden"}, {}))


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(NotConfigured, match="must begin with https"):
        connection_settings({"token": "t", "apiEndpoint": "localhost:8170"}, {})


def test_the_plugin_prints_its_port_and_ends_with_the_engine() -> None:
    command = [sys.executable, "-m", "toolchain.plugins.digitalocean", "127.0.0.1:1"]
    parent = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command], stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        port = int(engine.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            engine.kill()
        Waiter().until("the end of the plugin", lambda: True if is_closed(port) else None, seconds=10)


def is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_document_names_every_function_and_setting() -> None:
    document = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    there = [*Functions(Api(Waiter()), {}).names, *TailscaleFunctions(TailscaleApi(Waiter())).names]
    assert not {name for name in there if f"`{name}`" not in document}, "a function that isn't documented"
    assert set(re.findall(r"`(get[A-Za-z0-9]+)`", document)) <= set(there), "a function that isn't there"


def test_the_document_names_every_resource_of_the_tailnet_with_what_replaces_it() -> None:
    document = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    for each in tailscale_provider.RESOURCES:
        replacing = ", ".join(f"`{name}`" for name in sorted(each.replacing)) or "none"
        row = f"| `{each.__name__}` | {replacing} |"
        assert row in document, "what Tailscale's own provider says, and the facts don't"
