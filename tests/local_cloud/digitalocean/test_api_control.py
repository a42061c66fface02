"""The local cloud's own routes: transitions, faults, reset, status."""

import time
from typing import Any

import httpx
import pytest
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

DROPLET = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def statuses(http: httpx.Client, droplet_id: int, count: int) -> list[str]:
    return [http.get(f"/v2/droplets/{droplet_id}").json()["droplet"]["status"] for _ in range(count)]


def test_a_transition_takes_as_many_polls_as_it_was_set_to(
    http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    http.put("/_local/transitions", json={"droplet.create": {"polls": 3}})
    droplet_id = http.post("/v2/droplets", json=DROPLET).json()["droplet"]["id"]
    # The boot is done a moment before the worker waits for polls; the control routes count as none.
    eventually(lambda: http.get("/_local/status").json()["waiting"], lambda waiting: waiting == 1)
    assert hypervisor.running == {droplet_id}
    assert statuses(http, droplet_id, 4) == ["new", "new", "active", "active"]


def test_a_transition_takes_as_many_seconds_as_it_was_set_to(http: httpx.Client) -> None:
    http.put("/_local/transitions", json={"droplet.create": {"seconds": 0.3}})
    started = time.monotonic()
    droplet_id = http.post("/v2/droplets", json=DROPLET).json()["droplet"]["id"]
    eventually(lambda: statuses(http, droplet_id, 1), lambda seen: seen == ["active"])
    assert time.monotonic() - started >= 0.3
    assert http.put("/_local/transitions", json={}).json() == {}


def test_a_deletion_with_a_transition_answers_first(http: httpx.Client) -> None:
    droplet_id = http.post("/v2/droplets", json=DROPLET).json()["droplet"]["id"]
    vpc_id = http.get(f"/v2/droplets/{droplet_id}").json()["droplet"]["vpc_uuid"]
    http.put("/_local/transitions", json={"droplet.delete": {"seconds": 0.2}})
    assert http.delete(f"/v2/droplets/{droplet_id}").status_code == 204
    assert http.get(f"/v2/droplets/{droplet_id}").status_code == 404
    members = lambda: http.get(f"/v2/vpcs/{vpc_id}/members").json()["members"]  # noqa: E731
    assert len(members()) == 1, "it is a member until it is really gone"
    eventually(members, lambda found: found == [])


@pytest.mark.parametrize(
    "bad", [{"x": {"hours": 1}}, {"x": {"seconds": -1}}, {"x": {"seconds": 1, "polls": 1}}, []]
)
def test_a_bad_transition_is_refused(http: httpx.Client, bad: Any) -> None:
    assert http.put("/_local/transitions", json=bad).status_code == 422


def test_the_nth_call_of_a_path_fails_and_no_other(
    http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    fault = {"method": "POST", "path": "^/v2/vpcs$", "nth": 2, "times": 2, "status": 503}
    assert http.post("/_local/faults", json=fault).status_code == 201
    order = {"region": "nyc3"}
    seen = [http.post("/v2/vpcs", json={**order, "name": f"n{number}"}).status_code for number in range(4)]
    assert seen == [201, 503, 503, 201]
    assert http.get("/v2/vpcs").status_code == 200, "another method is none of its business"
    assert len(hypervisor.vpcs) == 2, "a call that failed before it began made nothing"


def test_a_call_can_fail_after_it_was_done(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    http.post("/_local/faults", json={"path": "/v2/vpcs", "status": 502, "when": "after"})
    answer = http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"})
    assert (answer.status_code, answer.json()["id"]) == (502, "server_error")
    assert len(hypervisor.vpcs) == 1, "the caller has lost sight of what it made"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_can_be_dropped(cloud: RunningCloud, http: httpx.Client, when: str) -> None:
    http.post("/_local/faults", json={"path": "/v2/vpcs", "drop": True, "when": when})
    with pytest.raises(httpx.TransportError):
        http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"})
    assert len(cloud.hypervisor.vpcs) == (1 if when == "after" else 0)
    assert http.get("/v2/vpcs").status_code == 200, "the next call is served"


def test_a_call_can_be_slow_and_faults_be_cleared(http: httpx.Client) -> None:
    http.post("/_local/faults", json={"path": "/v2/account", "latency": 0.2})
    started = time.monotonic()
    assert http.get("/v2/account").status_code == 200
    assert time.monotonic() - started >= 0.2
    http.post("/_local/faults", json={"path": "/v2/account", "status": 500})
    assert http.delete("/_local/faults").status_code == 204
    assert http.get("/v2/account").status_code == 200


@pytest.mark.parametrize(
    "bad",
    [{"path": "/v2/account"}, {"path": "(", "drop": True}, {"path": "/", "status": 200}, {"drop": True}],
)
def test_a_bad_fault_is_refused(http: httpx.Client, bad: dict[str, Any]) -> None:
    assert http.post("/_local/faults", json=bad).status_code == 422


def test_the_status_tells_what_runs(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    droplet = http.post("/v2/droplets", json={**DROPLET, "public_networking": False}).json()["droplet"]
    eventually(lambda: statuses(http, droplet["id"], 1), lambda seen: seen == ["active"])
    cluster = http.post(
        "/v2/databases",
        json={"name": "store", "engine": "pg", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1},
    ).json()["database"]
    eventually(lambda: cluster["id"] in hypervisor.clusters, bool)
    status = http.get("/_local/status").json()
    machine = status["machines"][0]
    assert (machine["id"], machine["name"], machine["status"]) == (droplet["id"], "web-1", "active")
    assert machine["leader"] == hypervisor.machine_leader(droplet["id"])
    assert machine["addresses"] == ["10.96.0.2"]
    assert status["databases"][0]["host"] == cluster["private_connection"]["host"]
    assert status["restoring"] == 0


def test_a_reset_keeps_accounts_and_starts_seeded_ids_again(cloud: RunningCloud, http: httpx.Client) -> None:
    token = cloud.account("other")
    ids = []
    for _ in range(2):
        ids.append(http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"}).json()["vpc"]["id"])
        cloud.http(token).post("/v2/droplets", json=DROPLET)
        assert http.post("/_local/reset").status_code == 204
    assert ids[0] == ids[1], "with a seed, the same ids in the same order"
    assert cloud.http(token).get("/v2/account").status_code == 200
    assert cloud.http(token).get("/v2/projects/default").status_code == 200
    assert cloud.http(token).get("/v2/droplets").json()["droplets"] == []


def test_a_reset_that_fails_forgets_nothing(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"})
    hypervisor.failing.add("delete_vpc")
    assert http.post("/_local/reset").status_code == 500
    assert http.get("/v2/vpcs").json()["meta"]["total"] == 1


def test_the_vault_is_sealed_and_unsealed(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    assert http.post("/_local/vault/seal").status_code == 204
    assert http.post("/_local/vault/unseal").status_code == 204
    assert [deed for deed, _ in hypervisor.deeds if deed.endswith("_vault")] == ["seal_vault", "unseal_vault"]
    hypervisor.failing.add("seal_vault")
    refused = http.post("/_local/vault/seal")
    assert (refused.status_code, refused.json()["id"]) == (500, "server_error")
