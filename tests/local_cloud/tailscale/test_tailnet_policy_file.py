"""The policy file: read, replaced whole or not at all, tested, previewed, and enforced by headscale."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from recording_coordination import RecordingCoordination
from running_tailnet import RunningTailnet

from local_cloud.tailscale.policy.default import DEFAULT

ACL = "/tailnet/-/acl"
HUJSON = {"Content-Type": "application/hujson", "Accept": "application/hujson"}
ONE_WAY = """{
  // who may what
  "tagOwners": {"tag:a": ["autogroup:admin"], "tag:b": []},
  "acls": [
    {"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22"]},
  ],
  "tests": [
    {"src": "tag:a", "accept": ["tag:b:22"], "deny": ["tag:b:80"]},
    {"src": "tag:b", "deny": ["tag:a:22"]},
  ],
}
"""
WIDER = ONE_WAY.replace('tag:b:22"]},', 'tag:b:*"]},')
FAILED = [{"user": "tag:a", "errors": ['address "tag:b:80": want: Drop, got: Accept']}]
ENFORCED = [{"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22"]}]


def put(http: httpx.Client, text: str = ONE_WAY, **headers: str) -> httpx.Response:
    return http.post(ACL, content=text, headers={**HUJSON, **headers})


def test_a_new_tailnet_has_tailscales_default_and_enforces_it(
    http: httpx.Client, coordination: RecordingCoordination
) -> None:
    answer = http.get(ACL)
    assert answer.text == DEFAULT
    assert answer.headers["content-type"].startswith("application/hujson")
    assert coordination.acls == [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]


def test_a_file_is_kept_as_it_was_written_and_enforced_at_once(
    http: httpx.Client, coordination: RecordingCoordination
) -> None:
    answer = put(http)
    assert answer.status_code == 200, answer.text
    assert answer.text == ONE_WAY, "comments and all"
    assert answer.headers["etag"] == f'"{hashlib.sha256(ONE_WAY.encode()).hexdigest()}"'
    assert http.get(ACL).headers["etag"] == answer.headers["etag"]
    assert coordination.acls == ENFORCED


def test_json_is_answered_to_who_accepts_json_alone(http: httpx.Client) -> None:
    document = {"acls": [], "tagOwners": {"tag:a": []}}
    answer = http.post(ACL, json=document, headers={"Accept": "application/json"})
    assert answer.json() == document
    put(http)
    answer = http.get(ACL, headers={"Accept": "application/json"})
    assert answer.json()["tagOwners"] == {"tag:a": ["autogroup:admin"], "tag:b": []}
    assert answer.headers["etag"] == http.get(ACL).headers["etag"]


def test_details_carry_the_file_encoded(http: httpx.Client) -> None:
    put(http)
    for value in ("true", "1"):
        details = http.get(ACL, params={"details": value}).json()
        assert base64.b64decode(details["acl"]).decode() == ONE_WAY
        assert details["errors"] is None


@pytest.mark.parametrize("form", ['"{}"', "{}"])
def test_only_who_knows_the_present_file_replaces_it(http: httpx.Client, form: str) -> None:
    known = http.get(ACL).headers["etag"].strip('"')
    assert put(http, **{"If-Match": form.format(known)}).status_code == 200
    late = put(http, WIDER, **{"If-Match": form.format(known)})
    assert (late.status_code, late.json()) == (412, {"message": "precondition failed, invalid old hash"})
    assert http.get(ACL).text == ONE_WAY


@pytest.mark.parametrize("mark", ["ts-default", '"ts-default"'])
def test_the_untouched_default_can_be_replaced_once(http: httpx.Client, mark: str) -> None:
    assert put(http, **{"If-Match": mark}).status_code == 200
    assert put(http, **{"If-Match": mark}).status_code == 412
    assert put(http, DEFAULT).status_code == 200
    assert put(http, **{"If-Match": mark}).status_code == 412, "set by hand, it is no untouched default"


def test_an_empty_file_brings_the_default_back(
    http: httpx.Client, coordination: RecordingCoordination
) -> None:
    put(http)
    assert put(http, "").text == DEFAULT
    assert coordination.acls == [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]
    assert put(http, **{"If-Match": "ts-default"}).status_code == 200, "it is untouched again"


def test_a_file_whose_tests_fail_is_refused_as_tailscale_does(
    http: httpx.Client, coordination: RecordingCoordination
) -> None:
    put(http)
    before = http.get(ACL).headers["etag"]
    answer = put(http, WIDER)
    assert answer.status_code == 400
    assert answer.json() == {"message": "test(s) failed", "data": FAILED}
    assert http.get(ACL).headers["etag"] == before
    assert coordination.acls == ENFORCED, "headscale has never heard of it"


def test_members_count_when_tests_are_run(http: httpx.Client, coordination: RecordingCoordination) -> None:
    put(http)
    order = {"capabilities": {"devices": {"create": {"tags": ["tag:a"]}}}}
    key = http.post("/tailnet/-/keys", json=order).json()["key"]
    address = coordination.join(key, "host").addresses[0]
    by_address = ONE_WAY.replace('"dst": ["tag:b:22"]', f'"dst": ["tag:b:22", "{address}:22"]').replace(
        '"deny": ["tag:b:80"]', '"deny": ["tag:a:22"]'
    )
    assert put(http, by_address).json()["data"][0]["errors"] == [
        'address "tag:a:22": want: Drop, got: Accept'
    ], "the rule names the address of a device that has tag:a"


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("{\n  acls: []\n}", 400, "line 2, column 3"),
        ('{"acls": [{"action": "accept", "src": ["tag:x"], "dst": ["*:*"]}]}', 400, "tag not found"),
        ('{"other": 1}', 400, 'unknown field "other"'),
        ("[]", 400, "object"),
        ('{"derpMap": {"Regions": {}}}', 501, "derpMap"),
    ],
)
def test_a_wrong_file_changes_nothing(http: httpx.Client, text: str, status: int, reason: str) -> None:
    answer = put(http, text)
    assert answer.status_code == status
    assert reason in answer.json()["message"]
    assert http.get(ACL).text == DEFAULT
    validated = http.post(f"{ACL}/validate", content=text, headers=HUJSON)
    assert validated.status_code == (status if text != "[]" else 200), "an empty list of tests holds"


def test_bytes_that_are_no_text_are_refused(http: httpx.Client) -> None:
    answer = http.post(ACL, content=b"\xff{}", headers=HUJSON)
    assert (answer.status_code, answer.json()) == (400, {"message": "the policy file is no UTF-8 text"})


def test_what_headscale_refuses_is_not_kept(http: httpx.Client, coordination: RecordingCoordination) -> None:
    coordination.refusing = "parsing policy: it has a flaw"
    answer = put(http)
    assert answer.status_code == 400
    assert "it has a flaw" in answer.json()["message"]
    coordination.recover()
    assert http.get(ACL).text == DEFAULT


def test_without_headscale_nothing_is_kept(http: httpx.Client, coordination: RecordingCoordination) -> None:
    coordination.failing.add("set_policy")
    answer = put(http)
    assert answer.status_code == 500
    assert "does not answer" in answer.json()["message"]
    coordination.recover()
    assert http.get(ACL).text == DEFAULT


def test_a_file_that_can_not_be_kept_is_not_enforced_either(
    http: httpx.Client, coordination: RecordingCoordination, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_text: str) -> str:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("local_cloud.tailscale.acl.models.etag", fails)
        assert put(http).status_code == 500
    assert coordination.acls == [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], (
        "the old one holds again"
    )
    assert http.get(ACL).text == DEFAULT


def test_the_file_is_enforced_again_after_a_restart(start_tailnet: Callable[[], RunningTailnet]) -> None:
    first = start_tailnet()
    put(first.http)
    first.stop()
    first.coordination.policies.clear()
    second = start_tailnet()
    assert second.coordination.acls == ENFORCED
    assert second.http.get(ACL).text == ONE_WAY


def test_a_file_is_validated_without_being_set(
    http: httpx.Client, coordination: RecordingCoordination
) -> None:
    told = len(coordination.policies)
    for text, wanted in ((ONE_WAY, {}), (WIDER, {"message": "test(s) failed", "data": FAILED})):
        answer = http.post(f"{ACL}/validate", content=text, headers=HUJSON)
        assert (answer.status_code, answer.json()) == (200, wanted)
    assert http.get(ACL).text == DEFAULT
    assert len(coordination.policies) == told


def test_a_list_of_tests_is_run_on_the_present_file(http: httpx.Client) -> None:
    put(http)

    def validated(*tests: dict[str, Any]) -> Any:
        return http.post(f"{ACL}/validate", json=tests).json()

    assert validated({"src": "tag:a", "accept": ["tag:b:22"]}, {"src": "tag:b", "deny": ["tag:a:22"]}) == {}
    assert validated({"src": "tag:a", "deny": ["tag:b:22"]}) == {
        "message": "test(s) failed",
        "data": [{"user": "tag:a", "errors": ['address "tag:b:22": want: Drop, got: Accept']}],
    }
    assert 'tag not found: "tag:x"' in validated({"src": "tag:x", "deny": ["tag:b:22"]})["message"]


def test_a_preview_tells_the_rules_of_a_user_and_of_a_port(http: httpx.Client) -> None:
    text = """{
  "tagOwners": {"tag:b": []},
  "hosts": {"db": "10.0.0.5"},
  "acls": [
    {"action": "accept", "src": ["a@example.com"], "dst": ["tag:b:22", "db:*"]},

    {"action": "accept", "src": ["*"], "dst": ["10.0.0.0/8:443"]},
  ],
  "grants": [
    {"src": ["b@example.com"], "dst": ["db"], "ip": ["tcp:443", "udp:53"]}],
}"""

    def previewed(kind: str, wanted: str) -> Any:
        query = {"type": kind, "previewFor": wanted}
        answer = http.post(f"{ACL}/preview", params=query, content=text, headers=HUJSON).json()
        assert (answer["type"], answer["previewFor"]) == (kind, wanted)
        return answer["matches"]

    first = {"users": ["a@example.com"], "ports": ["tag:b:22", "db:*"], "lineNumber": 5}
    second = {"users": ["*"], "ports": ["10.0.0.0/8:443"], "lineNumber": 7}
    third = {"users": ["b@example.com"], "ports": ["db:443"], "lineNumber": 10}
    assert previewed("user", "a@example.com") == [first, second]
    assert previewed("ipport", "10.0.0.5:443") == [first, second, third]
    assert previewed("ipport", "10.0.0.6:443") == [second]
    assert previewed("user", "c@example.com") == [second]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"type": "user"}, "previewFor"),
        ({"type": "device", "previewFor": "x"}, "type"),
        ({"type": "user", "previewFor": "x"}, "no user"),
        ({"type": "ipport", "previewFor": "10.0.0.1"}, "no port"),
    ],
)
def test_a_preview_of_nothing_is_refused(http: httpx.Client, query: dict[str, str], reason: str) -> None:
    answer = http.post(f"{ACL}/preview", params=query, content=json.dumps({}), headers=HUJSON)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]
