"""Keys: made, shown once, used, expired, revoked."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from recording_coordination import RecordingCoordination
from running_tailnet import RunningTailnet
from sqlalchemy import update

from local_cloud.tailscale import tables

KEYS = "/tailnet/-/keys"


def order(*tags: str, **create: Any) -> dict[str, Any]:
    return {
        "capabilities": {"devices": {"create": {"tags": list(tags), "preauthorized": True, **create}}},
        "expirySeconds": 600,
        "description": "agent of acme - 1",
    }


def made(http: httpx.Client, *tags: str, **create: Any) -> dict[str, Any]:
    answer = http.post(KEYS, json=order(*tags, **create))
    assert answer.status_code == 200, answer.text
    key: dict[str, Any] = answer.json()
    return key


def test_a_key_is_shown_once_and_lets_a_machine_join(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    key = made(tagged, "tag:a", ephemeral=True)
    assert (key["keyType"], key["expirySeconds"], key["invalid"]) == ("auth", 600, False)
    assert key["capabilities"]["devices"]["create"] == {
        "reusable": False,
        "ephemeral": True,
        "preauthorized": True,
        "tags": ["tag:a"],
    }
    shown = tagged.get(f"{KEYS}/{key['id']}").json()
    assert shown == {name: value for name, value in key.items() if name != "key"}, "all but the key itself"
    node = coordination.join(key["key"], "acme-agent-1")
    assert (node.tags, node.ephemeral) == (("tag:a",), True)


def test_the_real_key_expires_when_the_api_says_so(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    key = made(tagged, "tag:a")
    (real,) = coordination.list_keys()
    assert real.expires_at == datetime.fromisoformat(key["expires"])
    assert timedelta(minutes=9) < real.expires_at - datetime.now(UTC) <= timedelta(minutes=10)


def test_a_key_lives_for_ninety_days_when_nothing_else_is_said(tagged: httpx.Client) -> None:
    for seconds in ({}, {"expirySeconds": 0}):
        body = {"capabilities": {"devices": {}}, **seconds}
        assert tagged.post(KEYS, json=body).json()["expirySeconds"] == 90 * 86400


def test_a_key_that_can_be_used_once_is_invalid_after_that(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    once, often = made(tagged, "tag:a"), made(tagged, "tag:a", reusable=True)
    for key in (once, often):
        coordination.join(key["key"], "host")
    assert tagged.get(f"{KEYS}/{once['id']}").json()["invalid"] is True
    assert tagged.get(f"{KEYS}/{often['id']}").json()["invalid"] is False
    listed = {key["id"] for key in tagged.get(f"{KEYS}?all=true").json()["keys"]}
    assert once["id"] not in listed, "only active keys are listed"
    assert often["id"] in listed


def test_a_revoked_key_is_shown_as_such_and_lets_nobody_join(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    key = made(tagged, "tag:a")
    assert tagged.delete(f"{KEYS}/{key['id']}").status_code == 200
    shown = tagged.get(f"{KEYS}/{key['id']}").json()
    assert shown["invalid"] is True
    assert shown["revoked"]
    assert coordination.list_keys()[0].expires_at <= datetime.now(UTC)
    assert tagged.delete(f"{KEYS}/{key['id']}").status_code == 200, "revoking it twice is no mistake"


def test_an_expired_key_is_invalid(tailnet: RunningTailnet, tagged: httpx.Client) -> None:
    key = made(tagged, "tag:a")
    with tailnet.tailnet.store.writing() as session:
        past = datetime(2020, 1, 1)  # noqa: DTZ001 - as rows keep times
        session.execute(update(tables.Key).where(tables.Key.id == key["id"]).values(expires=past))
    assert tagged.get(f"{KEYS}/{key['id']}").json()["invalid"] is True


def test_a_tag_that_the_policy_does_not_know_is_refused_in_tailscales_words(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    answer = tagged.post(KEYS, json=order("tag:a", "tag:nobody"))
    assert answer.status_code == 400
    assert answer.json() == {"message": "requested tags [tag:a tag:nobody] are invalid or not permitted"}
    assert coordination.list_keys() == [], "nothing was made"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"description": "x" * 51}, "description"),
        ({"description": "a_b"}, "description"),
        ({"description": "naïve"}, "description"),
        ({"expirySeconds": 90 * 86400 + 1}, "expirySeconds"),
        ({"expirySeconds": -1}, "expirySeconds"),
        ({"capabilities": None}, "capabilities"),
        ({"capabilities": {}}, "capabilities.devices"),
        ({"keyType": "other"}, "keyType"),
    ],
)
def test_a_wrong_order_is_refused_by_its_field(
    tagged: httpx.Client, change: dict[str, Any], named: str
) -> None:
    answer = tagged.post(KEYS, json={**order("tag:a"), **change})
    assert answer.status_code == 400
    assert named in answer.json()["message"]


def test_a_key_that_headscale_did_not_make_is_not_kept(
    tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    coordination.failing.add("create_key")
    assert tagged.post(KEYS, json=order("tag:a")).status_code == 500
    assert [key["keyType"] for key in tagged.get(f"{KEYS}?all=true").json()["keys"]] == ["api"]


def test_a_key_that_can_not_be_kept_is_taken_back(
    tailnet: RunningTailnet,
    tagged: httpx.Client,
    coordination: RecordingCoordination,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("local_cloud.tailscale.ids.new_id", lambda _: "same")
    made(tagged, "tag:a")
    assert tagged.post(KEYS, json=order("tag:a")).status_code == 500, "the id is taken"
    assert [key.expires_at <= datetime.now(UTC) for key in coordination.list_keys()] == [False, True]
    assert tailnet.http.get(f"{KEYS}/same").json()["invalid"] is False
    assert "UNIQUE constraint failed" in caplog.text, "why is in the log"
    assert "agent of acme" not in caplog.text, "what was to be written isn't: it may be a secret"


def test_keys_are_neither_logged_nor_kept(
    tailnet: RunningTailnet, tagged: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        shown = made(tagged, "tag:a")["key"]
        client = tagged.post(KEYS, json={"keyType": "client", "scopes": ["dns"]}).json()
        form = {"client_id": client["id"], "client_secret": client["key"]}
        token = tagged.post("/oauth/token", data=form).json()["access_token"]
    with tailnet.tailnet.store.reading() as session:
        rows = [str(row) for row in session.execute(tables.Base.metadata.tables["key"].select())]
    for secret in (shown, client["key"], token, tailnet.api_key):
        assert secret not in caplog.text, "no secret in any log"
        assert not any(secret in row for row in rows), "no secret in the state"


def test_an_unknown_key_is_not_found(http: httpx.Client) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = http.request(method, f"{KEYS}/k1CNTRL", json={} if method == "PUT" else None)
        assert (answer.status_code, answer.json()) == (404, {"message": "key not found"})


def test_federated_identities_are_absent(http: httpx.Client) -> None:
    answer = http.post(KEYS, json={"keyType": "federated", "scopes": ["dns"]})
    assert answer.status_code == 501
    assert "federated" in answer.json()["message"]
