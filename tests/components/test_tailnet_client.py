"""Tailscale's API as it answers, and as it refuses."""

import json
import secrets
from collections.abc import Callable

import httpx
import pytest

from components.tailnet import Tailnet, TailnetError

KEY = f"tskey-api-{secrets.token_hex(8)}"
DEVICE = {
    "nodeId": "n1",
    "id": "7",
    "hostname": "acme-agent-a-1",
    "addresses": ["fd7a::1", "100.64.0.7"],
    "tags": ["tag:tenant-acme-agent"],
    "authorized": True,
    "isEphemeral": True,
}


def _tailnet(handler: Callable[[httpx.Request], httpx.Response], **environment: str) -> Tailnet:
    known = environment or {"TAILSCALE_API_KEY": KEY}
    return Tailnet(known, transport=httpx.MockTransport(handler))


def test_a_device_has_its_ipv4_address_first() -> None:
    (device,) = _tailnet(lambda _: httpx.Response(200, json={"devices": [DEVICE]})).devices()
    assert (device.id, device.address) == ("n1", "100.64.0.7"), "as hosts are addressed"
    assert device.tags == {"tag:tenant-acme-agent"}, "with its tags"


def test_removing_a_device_that_has_gone_is_well() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(404, json={"message": "not found"})

    _tailnet(answer).remove_device("n1")
    assert asked == [("DELETE", "/api/v2/device/n1")], "it was asked for"


def test_keys_that_let_devices_in_are_listed_with_their_tags_and_no_others() -> None:
    auth = {"devices": {"create": {"tags": ["tag:tenant-acme-agent"]}}}
    bodies: dict[str, object] = {
        "k1": {"id": "k1", "description": "acme-agent-a-1 1f0c", "capabilities": auth},
        "k2": {"id": "k2", "description": "an API key"},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[-1]
        if name == "keys":  # Tailscale's list has the ids alone
            return httpx.Response(200, json={"keys": [{"id": each} for each in (*bodies, "gone")]})
        return httpx.Response(200, json=bodies[name]) if name in bodies else httpx.Response(404)

    (key,) = _tailnet(answer).auth_keys()
    assert (key.id, key.tags) == ("k1", {"tag:tenant-acme-agent"}), "the API key is no device's"


def test_revoking_a_key_that_has_gone_is_well() -> None:
    _tailnet(lambda _: httpx.Response(404, json={"message": "not found"})).remove_key("k1")


def test_an_oauth_client_s_secret_is_exchanged_for_a_token() -> None:
    secret = secrets.token_hex(8)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth/token"):
            assert secret in request.content.decode(), "the client says who it is"
            return httpx.Response(200, json={"access_token": KEY})
        assert request.headers["Authorization"] == f"Bearer {KEY}", "the token is used"
        return httpx.Response(200, json={"devices": []})

    given = {"TAILSCALE_OAUTH_CLIENT_ID": "k1", "TAILSCALE_OAUTH_CLIENT_SECRET": secret}
    assert _tailnet(answer, **given).devices() == []


def test_failing_tests_of_the_policy_are_told_by_their_source() -> None:
    body = {"message": "test(s) failed", "data": [{"user": "tag:a", "errors": ["want: Drop, got: Accept"]}]}
    tailnet = _tailnet(lambda _: httpx.Response(200, json=body))
    assert tailnet.failing_tests([{"src": "tag:a"}]) == ["tag:a: want: Drop, got: Accept"], "which, and why"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [(401, {"message": "API token invalid"}, "set another TAILSCALE_API_KEY"), (500, "oops", "500 Internal")],
)
def test_a_refusal_says_what_to_do_and_never_the_key(status: int, body: object, message: str) -> None:
    tailnet = _tailnet(lambda _: httpx.Response(status, content=json.dumps(body)))
    with pytest.raises(TailnetError, match=message) as raised:
        tailnet.devices()
    assert KEY not in str(raised.value), "an error may be shown to anybody"


def test_an_api_that_doesn_t_answer_is_named() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TailnetError, match="doesn't answer"):
        _tailnet(fail).devices()


def test_without_settings_nothing_is_asked() -> None:
    with pytest.raises(TailnetError, match="no TAILSCALE_API_KEY, nor TAILSCALE_OAUTH_CLIENT_ID"):
        _tailnet(lambda _: httpx.Response(500), PATH="/bin")
