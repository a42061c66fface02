"""What the stand-in does when the API, the network or the settings fail it."""

import secrets
import threading
import time

import grpc
import pytest
from digitalocean_fake import FakeApi, Fault
from google.rpc.status_pb2 import Status
from plugin_client import Plugin
from pulumi.runtime.proto import provider_pb2 as messages

from toolchain.plugins.base.values import Secret, decode, reveal

VPC = {"name": "acme", "region": "nyc3", "ipRange": "10.1.0.0/24"}
DROPLET = {"name": "acme-agent-1", "image": "debian-12-x64", "region": "nyc3", "size": "s-1vcpu-1gb"}


def details_of(error: grpc.RpcError) -> messages.ErrorResourceInitFailed:
    """The partial failure that rides on a status."""
    packed = next(value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin")
    status = Status.FromString(packed)
    found = messages.ErrorResourceInitFailed()
    assert status.details[0].Unpack(found), "the engine looks for this message"
    return found


@pytest.mark.parametrize("status", [429, 503])
def test_a_create_that_was_turned_away_is_sent_again(plugin: Plugin, cloud: FakeApi, status: int) -> None:
    cloud.faults.append(Fault("POST", "/v2/vpcs", status=status, times=2))
    plugin.make("Vpc", VPC)
    assert len(cloud.requests("POST", "/v2/vpcs")) == 3, "two refusals, one success"


def test_the_wait_that_digitalocean_asks_for_is_kept(bare: Plugin, cloud: FakeApi) -> None:
    bare.configure(token=cloud.token, apiEndpoint=cloud.url, httpRetryWaitMin=0.01, httpRetryWaitMax=5)
    cloud.faults.append(Fault("POST", "/v2/vpcs", status=429, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    bare.make("Vpc", VPC)
    assert time.monotonic() - begun >= 1, "Retry-After is in seconds"


@pytest.mark.parametrize("drop", ["drops_after", "drops_before"])
def test_a_connection_that_breaks_makes_no_second_copy(plugin: Plugin, cloud: FakeApi, drop: str) -> None:
    cloud.faults.append(Fault("POST", "/v2/droplets", **{drop: True}))
    plugin.make("Droplet", DROPLET)
    assert len(cloud.things["droplets"]) == 1, "what was made although nobody answered is found by its name"


def test_reads_survive_errors_of_the_server(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Vpc", VPC)
    cloud.faults.append(Fault("GET", f"/v2/vpcs/{id}", status=500, times=2))
    cloud.faults.append(Fault("GET", f"/v2/vpcs/{id}", drops_before=True))
    assert plugin.read("Vpc", id, state, inputs).id == id, "passing errors pass"


def test_an_error_that_stays_is_reported_after_the_last_try(plugin: Plugin, cloud: FakeApi) -> None:
    cloud.faults.append(Fault("POST", "/v2/vpcs", status=503, times=99))
    with pytest.raises(grpc.RpcError, match="503 server_error: Server was unable"):
        plugin.make("Vpc", VPC)
    assert len(cloud.requests("POST", "/v2/vpcs")) == 5, "the official provider's four retries"


def test_what_isnt_implemented_is_not_tried_again(plugin: Plugin, cloud: FakeApi) -> None:
    body = {"id": "not_implemented", "message": "firewalls are absent here"}
    cloud.faults.append(Fault("POST", "/v2/firewalls", status=501, times=9, body=body))
    with pytest.raises(grpc.RpcError, match="firewalls are absent here"):
        plugin.make("Firewall", {"name": "f"})
    assert len(cloud.requests("POST", "/v2/firewalls")) == 1


def test_a_create_that_fails_half_way_keeps_its_id_and_its_secrets(
    plugin: Plugin, cloud: FakeApi, password: str
) -> None:
    inputs = plugin.checked("Droplet", {**DROPLET, "userData": Secret(password)})
    cloud.faults.append(
        Fault(
            "GET", r"/v2/droplets/\d+", status=403, times=99, body={"id": "forbidden", "message": "no more"}
        )
    )
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("Droplet", inputs)
    failed = details_of(caught.value)
    assert failed.id == next(iter(cloud.things["droplets"])), (
        "the droplet is there, so the state must know it"
    )
    state = decode(failed.properties)
    assert isinstance(state["userData"], Secret), "also on this way"
    assert password not in str(reveal(state)) + caught.value.details(), "and not in the message"
    assert "no more" in failed.reasons[0], "with DigitalOcean's words"


def test_a_wrong_token_is_reported_at_first_use(bare: Plugin, cloud: FakeApi) -> None:
    wrong = secrets.token_hex(16)
    bare.configure(token=wrong, apiEndpoint=cloud.url)
    with pytest.raises(grpc.RpcError) as caught:
        bare.make("Vpc", VPC)
    said = caught.value.details()
    for part in ("vpc:Vpc thing", "Unable to authenticate you", "check the token"):
        assert part in said, "whose call it was, DigitalOcean's words, and what to do"
    assert wrong not in said, "a token is never shown"


def test_no_token_is_refused_with_what_to_do(bare: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(grpc.RpcError, match="set DIGITALOCEAN_TOKEN"):
        bare.configure()


def test_a_token_is_not_sent_over_plain_http_to_another_machine(bare: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="not sent over plain http"):
        bare.configure(token=secrets.token_hex(8), apiEndpoint="http://203.0.113.9")


def test_an_api_that_is_down_is_named(bare: Plugin) -> None:
    bare.configure(
        token=secrets.token_hex(8), apiEndpoint="http://127.0.0.1:9", httpRetryMax=1, httpRetryWaitMin=0.01
    )
    with pytest.raises(grpc.RpcError, match=r"nothing answers there \(http://127.0.0.1:9"):
        bare.make("Vpc", VPC)


def test_a_vpc_waits_for_its_last_members_to_go(plugin: Plugin, cloud: FakeApi) -> None:
    id, _, state = plugin.make("Vpc", VPC)
    cloud.vpc_is_busy_for = 2
    plugin.delete("Vpc", id, state)
    assert not cloud.things["vpcs"], "the refusals were waited out"


def test_a_vpc_that_keeps_its_members_says_so(
    plugin: Plugin, cloud: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolchain.plugins.digitalocean.networks.DRAINING_SECONDS", 0.3)
    id, _, state = plugin.make("Vpc", VPC)
    cloud.vpc_is_busy_for = 99
    with pytest.raises(grpc.RpcError, match="Can not delete VPC with members"):
        plugin.delete("Vpc", id, state)


def test_cancel_ends_a_wait(plugin: Plugin, cloud: FakeApi) -> None:
    cloud.polls_until_active = 10_000
    timer = threading.Timer(0.5, plugin.cancel)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(grpc.RpcError, match="cancelled by the engine") as caught:
        plugin.make("Droplet", DROPLET)
    timer.join()
    assert time.monotonic() - begun < 5, "nothing is waited for after a cancel"
    assert details_of(caught.value).id, "the droplet that was begun stays known"
