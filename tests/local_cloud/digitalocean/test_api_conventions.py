"""What holds for every call: errors, pages, headers, accounts apart from each other, what is absent."""

from typing import Any

import httpx
import pytest
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

DROPLET = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
VPC = {"name": "net", "region": "nyc3", "ip_range": "10.20.0.0/24"}


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic eDp5"])
def test_nobody_comes_in_without_a_token(cloud: RunningCloud, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/v2/account", "/_local/status", "/v2/nowhere"):
        answer = httpx.get(cloud.url + path, headers=headers)
        body = answer.json()
        assert (answer.status_code, body["id"]) == (401, "unauthorized")
        assert body["message"] == "Unable to authenticate you"


def test_every_answer_has_an_id_and_what_is_left_of_the_quota(http: httpx.Client) -> None:
    first, second = http.get("/v2/account"), http.get("/v2/nowhere")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.json()["request_id"] == second.headers["x-request-id"], (
        "a report can be matched with the log"
    )
    left = [int(answer.headers["ratelimit-remaining"]) for answer in (first, second)]
    assert left[1] == left[0] - 1
    assert first.headers["ratelimit-limit"] == "5000"
    assert int(first.headers["ratelimit-reset"]) > 1_700_000_000


def test_an_account_with_a_limit_is_turned_away_beyond_it(cloud: RunningCloud) -> None:
    http = cloud.http(cloud.account("limited", rate_limit=2))
    statuses = [http.get("/v2/account").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert http.get("/v2/account").json()["id"] == "too_many_requests"


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"{", 400, "bad_request"),
        (b"", 422, "unprocessable_entity"),
        (b"[]", 422, "unprocessable_entity"),
        (b'{"name": 5, "region": "nyc3"}', 422, "unprocessable_entity"),
        (b'{"region": "nyc3"}', 422, "unprocessable_entity"),
        (b"\xff\xfe", 400, "bad_request"),
    ],
)
def test_a_bad_body_is_refused_in_digitalocean_s_shape(
    http: httpx.Client, content: bytes, status: int, error: str
) -> None:
    answer = http.post("/v2/vpcs", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["id"]) == (status, error), answer.text
    assert set(answer.json()) == {"id", "message", "request_id"}


def test_a_refusal_never_repeats_the_value(http: httpx.Client) -> None:
    answer = http.post("/v2/droplets", json={**DROPLET, "user_data": {"password": "of the customer"}})
    assert answer.status_code == 422
    assert "of the customer" not in answer.text
    assert answer.json()["message"].startswith("user_data: ")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v2/kubernetes/clusters", "Kubernetes.list_clusters"),
        ("POST", "/v2/load_balancers", "LoadBalancers.create"),
        ("GET", "/v2/droplets/autoscale", "Autoscalepools.list"),
        ("GET", "/v2/vpcs/x/peerings", "Vpcs.list_peerings"),
        ("GET", "/v2/domains/example.com", "Domains.get"),
        ("GET", "/v2/databases/x/pools", "Databases.list_connection_pools"),
    ],
)
def test_what_is_absent_says_its_name(http: httpx.Client, method: str, path: str, name: str) -> None:
    answer = http.request(method, path)
    assert (answer.status_code, answer.json()["id"]) == (501, "not_implemented")
    assert f"has no {name} (" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/nowhere"),
        ("GET", "/nowhere"),
        ("GET", "/v2/droplets/x"),
        ("PATCH", "/v2/account"),
        ("GET", "/v2/vpcs/x"),
        ("GET", "/v2/actions/1"),
        ("DELETE", "/v2/droplets?tag_name=nowhere"),
    ],
)
def test_what_nobody_has_is_not_found(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert (answer.status_code, answer.json()["id"]) == (404, "not_found"), answer.text


def test_a_list_comes_in_pages_with_links_to_the_others(cloud: RunningCloud, http: httpx.Client) -> None:
    for number in range(5):
        http.post("/v2/tags", json={"name": f"t{number}"})
    page = http.get("/v2/tags", params={"per_page": 2, "page": 2}).json()
    assert [tag["name"] for tag in page["tags"]] == ["t2", "t3"]
    assert page["meta"]["total"] == 5
    base = f"{cloud.url}/v2/tags?per_page=2&page="
    wanted = {
        name: base + number for name, number in zip(("first", "prev", "next", "last"), "1133", strict=True)
    }
    assert page["links"]["pages"] == wanted
    seen, address = [], f"{cloud.url}/v2/tags?per_page=2"
    while address:
        page = http.get(address).json()
        seen += [tag["name"] for tag in page["tags"]]
        address = page["links"]["pages"].get("next")
    assert seen == [f"t{number}" for number in range(5)], "following the links shows each once"
    assert http.get("/v2/tags").json()["links"] == {"pages": {}}
    assert http.get("/v2/tags", params={"page": 9}).json()["tags"] == []


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"per_page": "-1"}])
def test_a_page_that_is_no_number_is_refused(http: httpx.Client, query: dict[str, str]) -> None:
    answer = http.get("/v2/tags", params=query)
    assert (answer.status_code, answer.json()["id"]) == (400, "bad_request")


def test_accounts_see_nothing_of_each_other(
    cloud: RunningCloud, client: Any, hypervisor: RecordingHypervisor
) -> None:
    vpc = client.vpcs.create(VPC)["vpc"]
    answer = client.droplets.create({**DROPLET, "vpc_uuid": vpc["id"], "tags": ["t"]})
    droplet_id = answer["droplet"]["id"]
    eventually(lambda: droplet_id in hypervisor.running, bool)
    cluster = client.databases.create_cluster(
        {"name": "store", "engine": "pg", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1}
    )["database"]
    volume = client.volumes.create({"name": "d", "region": "nyc3", "size_gigabytes": 1})["volume"]
    project = client.projects.get_default()["project"]
    other = cloud.http(cloud.account("other"))
    paths = [
        f"/v2/vpcs/{vpc['id']}",
        f"/v2/vpcs/{vpc['id']}/members",
        f"/v2/droplets/{droplet_id}",
        f"/v2/droplets/{droplet_id}/actions",
        f"/v2/actions/{answer['links']['actions'][0]['id']}",
        f"/v2/databases/{cluster['id']}",
        f"/v2/databases/{cluster['id']}/users",
        f"/v2/volumes/{volume['id']}",
        f"/v2/projects/{project['id']}",
        "/v2/tags/t",
    ]
    for path in paths:
        assert other.get(path).status_code == 404, f"another account sees {path}"
    for path in ("vpcs", "droplets", "databases", "volumes", "tags", "actions", "firewalls"):
        assert other.get(f"/v2/{path}").json()["meta"]["total"] == 0
    for path in (f"vpcs/{vpc['id']}", f"droplets/{droplet_id}", f"databases/{cluster['id']}"):
        assert other.delete(f"/v2/{path}").status_code == 404
    assert other.post("/v2/droplets", json={**DROPLET, "vpc_uuid": vpc["id"]}).status_code == 422
    urn = f"do:droplet:{droplet_id}"
    assigned = other.post("/v2/projects/default/resources", json={"resources": [urn]}).json()
    assert assigned["resources"][0]["status"] == "not_found"
    assert cloud.http().get(f"/v2/droplets/{droplet_id}").status_code == 200


def test_control_routes_are_for_the_default_account(cloud: RunningCloud) -> None:
    other = cloud.http(cloud.account("other"))
    for method, path in (("GET", "/_local/status"), ("POST", "/_local/reset"), ("DELETE", "/_local/faults")):
        answer = other.request(method, path)
        assert (answer.status_code, answer.json()["id"]) == (403, "forbidden")


def test_the_log_holds_no_token_and_no_body(
    cloud: RunningCloud, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="local_cloud"):
        http.post(
            "/v2/droplets?secret=in-the-query", json={**DROPLET, "image": "x", "user_data": "of the customer"}
        )
        eventually(lambda: caplog.text, lambda text: "POST /v2/droplets 422" in text)
    for secret in (cloud.token, "in-the-query", "of the customer"):
        assert secret not in caplog.text


def test_an_error_of_the_cloud_s_own_is_an_answer_and_the_connection_goes_on(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such thing was thought of")

    with monkeypatch.context() as patched:
        patched.setattr("local_cloud.digitalocean.vpcs.models.create_vpc", broken)
        answer = http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"})
    assert (answer.status_code, answer.json()["id"]) == (500, "server_error")
    assert answer.headers["x-request-id"] == answer.json()["request_id"], "with which it is found in the log"
    assert http.get("/v2/account").status_code == 200, "by the same connection"
