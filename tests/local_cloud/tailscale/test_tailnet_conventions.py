"""What holds for every call: what is absent says so, faults strike, a reset forgets, the docs are true."""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from recording_coordination import RecordingCoordination
from running_tailnet import RunningTailnet

from local_cloud.digitalocean.faults import Fault, Faults
from local_cloud.tailscale import coverage
from local_cloud.tailscale.services import SERVICES

DOCUMENT = Path(__file__).parents[3] / "docs/tailscale-api.md"


@pytest.fixture
def faults(tailnet: RunningTailnet) -> Faults:
    found: Faults = tailnet.tailnet.faults
    found.clear()
    return found


def test_every_operation_of_tailscale_is_answered_or_named_as_absent(http: httpx.Client) -> None:
    for operation in coverage.operations():
        here = coverage.service_of(operation) is not None
        if not here:
            path = operation.example.replace("/tailnet/1", "/tailnet/-")
            answer = http.request(operation.method, path)
            assert answer.status_code == 501, operation
            assert operation.name in answer.json()["message"]


@pytest.mark.parametrize("path", ["/nowhere", "/tailnet/-/nowhere", "/device/1/nowhere", "/tailnet/-/acl/x"])
def test_what_nobody_has_is_not_found(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()) == (404, {"message": "not found"})


def test_a_method_that_a_path_does_not_have_is_not_found(http: httpx.Client) -> None:
    assert http.put("/tailnet/-/acl", json={}).status_code == 404


def test_every_route_is_one_of_tailscales(http: httpx.Client) -> None:
    assert http
    routes = {(method, path) for service in SERVICES for method, path in service.operations}
    assert len(routes) == sum(coverage.service_of(one) is not None for one in coverage.operations())


def test_the_document_has_the_table_that_the_code_makes() -> None:
    assert coverage.markdown() in DOCUMENT.read_text(), "run `python -m local_cloud.tailscale.coverage`"


def test_a_body_that_is_no_json_is_refused(http: httpx.Client) -> None:
    answer = http.post("/tailnet/-/keys", content="{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"message": "the request body is no valid JSON"})


def test_the_nth_call_fails_before_or_after_it_is_done(
    http: httpx.Client, faults: Faults, coordination: RecordingCoordination
) -> None:
    order: dict[str, Any] = {"capabilities": {"devices": {}}}
    for when, made in (("before", 0), ("after", 1)):
        faults.arm(Fault(method="POST", path="^/api/v2/tailnet/-/keys$", status=503, when=when))
        answer = http.post("/tailnet/-/keys", json=order)
        assert answer.status_code == 503
        assert answer.json() == {"message": "injected by a fault of this local cloud"}
        assert len(coordination.keys) == made, when
    assert http.post("/tailnet/-/keys", json=order).status_code == 200


def test_a_connection_is_dropped_and_a_call_is_slow(http: httpx.Client, faults: Faults) -> None:
    faults.arm(Fault(path="/api/v2/tailnet/-/devices", drop=True))
    with pytest.raises(httpx.TransportError):
        http.get("/tailnet/-/devices")
    faults.arm(Fault(path="/api/v2/tailnet/-/devices", latency=0.2))
    started = time.monotonic()
    assert http.get("/tailnet/-/devices").status_code == 200
    assert time.monotonic() - started >= 0.2


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("local_cloud")]


def test_each_call_is_logged_without_its_query(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="local_cloud.tailscale"):
        http.get("/tailnet/-/devices", params={"hostname": "secret-of-its-own"})
        deadline = time.monotonic() + 20  # it is logged once the answer is on its way
        while not (lines := _logged(caplog)):
            assert time.monotonic() < deadline, "nothing is logged"
            time.sleep(0.01)
    (line,) = lines
    assert line.startswith("GET /api/v2/tailnet/-/devices 200 ")
    assert "secret-of-its-own" not in line


def test_a_reset_forgets_what_the_tailnet_made_and_leaves_the_local_clouds_own(
    tailnet: RunningTailnet, tagged: httpx.Client, coordination: RecordingCoordination
) -> None:
    own = coordination.create_key(
        tags=["tag:control-plane"],
        reusable=False,
        ephemeral=False,
        expires_at=datetime.max.replace(tzinfo=UTC),
    )
    operator = coordination.join(own.secret, "operator")
    order = {"capabilities": {"devices": {"create": {"tags": ["tag:a"]}}}}
    coordination.join(tagged.post("/tailnet/-/keys", json=order).json()["key"], "agent")
    unused = tagged.post("/tailnet/-/keys", json=order).json()["key"]
    tagged.post("/tailnet/-/dns/nameservers", json={"dns": ["9.9.9.9"]})
    tailnet.as_client("dns")
    tailnet.reset()
    assert list(coordination.nodes) == [operator.id]
    untouched = tagged.post("/tailnet/-/acl", json={"acls": []}, headers={"If-Match": "ts-default"})
    assert untouched.status_code == 200, "the policy is the default again"
    assert [key["keyType"] for key in tagged.get("/tailnet/-/keys?all=true").json()["keys"]] == ["api"]
    assert tagged.get("/tailnet/-/dns/nameservers").json() == {"dns": []}
    with pytest.raises(Exception, match="expired"):
        coordination.join(unused, "late")
    coordination.nodes.clear()
