"""Databases through pydo: clusters, users, databases, configuration."""

import base64
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from recording_hypervisor import RecordingHypervisor
from running_cloud import eventually

PG = {
    "name": "store",
    "engine": "pg",
    "version": "18",
    "size": "db-s-1vcpu-1gb",
    "region": "nyc3",
    "num_nodes": 1,
}
VALKEY = {"name": "cache", "engine": "valkey", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1}


def online(client: Any, cluster_id: str) -> dict[str, Any]:
    found = eventually(
        lambda: client.databases.get_cluster(cluster_id)["database"], lambda one: one["status"] == "online"
    )
    return dict(found)


def create(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    return online(client, client.databases.create_cluster(order)["database"]["id"])


def test_a_cluster_is_creating_at_first_and_online_once_its_server_answers(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    vpc = client.vpcs.create({"name": "net", "region": "nyc3", "ip_range": "10.9.0.0/24"})["vpc"]
    hypervisor.boots.clear()
    cluster = client.databases.create_cluster({**PG, "private_network_uuid": vpc["id"], "tags": ["t"]})[
        "database"
    ]
    assert cluster["status"] == "creating"
    hypervisor.boots.set()
    cluster = online(client, cluster["id"])
    real = hypervisor.clusters[cluster["id"]]
    assert str(real.interfaces[0].address) == "10.9.0.2/24", "its address in the VPC comes first"
    assert (real.port, real.admin_user, real.memory_mib) == (25060, "doadmin", 1024)
    assert real.admin_password == cluster["connection"]["password"]
    assert real.admin_password not in repr(real)
    private = cluster["private_connection"]
    assert private["host"] == f"private-{cluster['connection']['host']}"
    assert private["uri"].startswith("postgresql://doadmin:AVNS_")
    assert private["uri"].endswith(":25060/defaultdb?sslmode=require")
    assert str(hypervisor.names[private["host"]]) == "10.9.0.2", "the operator can resolve the private name"
    assert set(real.hostnames) == {private["host"], cluster["connection"]["host"]}
    assert (cluster["tags"], cluster["db_names"]) == (["t"], ["defaultdb"])
    assert (cluster["id"], "defaultdb") in hypervisor.databases


def test_a_valkey_cluster_has_its_own_port_user_and_eviction_policy(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    cluster = create(client, VALKEY)
    connection = cluster["private_connection"]
    assert connection["uri"].startswith("rediss://default:AVNS_")
    assert (connection["port"], connection["database"]) == (25061, "")
    assert client.databases.get_eviction_policy(cluster["id"])["eviction_policy"] == "noeviction"
    client.databases.update_eviction_policy(cluster["id"], {"eviction_policy": "allkeys_lru"})
    assert client.databases.get_eviction_policy(cluster["id"])["eviction_policy"] == "allkeys_lru"
    assert hypervisor.clusters[cluster["id"]].settings == {"maxmemory-policy": "allkeys-lru"}
    config = {"valkey_maxmemory_policy": "volatile-lfu", "valkey_persistence": "off", "timeout": 90}
    client.databases.patch_config(cluster["id"], {"config": config})
    assert client.databases.get_eviction_policy(cluster["id"])["eviction_policy"] == "volatile_lfu"
    client.databases.update_eviction_policy(cluster["id"], {"eviction_policy": "allkeys_random"})
    assert client.databases.get_config(cluster["id"])["config"]["valkey_maxmemory_policy"] == "allkeys-random"
    assert hypervisor.clusters[cluster["id"]].settings == {
        "maxmemory-policy": "allkeys-random",
        "save": "",
        "timeout": "90",
    }, "in Valkey's own names, and what was said last holds"
    with pytest.raises(HttpResponseError, match="not supported for Valkey"):
        client.databases.add_user(cluster["id"], {"name": "app"})


def test_users_are_real_users_with_passwords_of_digitalocean_s_making(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    cluster_id = create(client, PG)["id"]
    user = client.databases.add_user(cluster_id, {"name": "app"})["user"]
    assert (user["role"], user["password"][:5]) == ("normal", "AVNS_")
    assert hypervisor.users[cluster_id, "app"] == user["password"]
    assert client.databases.get_user(cluster_id, "app")["user"] == user
    changed = client.databases.reset_auth(cluster_id, "app", {})["user"]
    assert changed["password"] == hypervisor.users[cluster_id, "app"] != user["password"]
    names = [one["name"] for one in client.databases.list_users(cluster_id)["users"]]
    assert names == ["doadmin", "app"]
    taken = http.post(f"/v2/databases/{cluster_id}/users", json={"name": "app"})
    assert (taken.status_code, taken.json()["message"]) == (422, "user app already exists")
    assert http.delete(f"/v2/databases/{cluster_id}/users/doadmin").status_code == 403
    client.databases.delete_user(cluster_id, "app")
    assert (cluster_id, "app") not in hypervisor.users
    assert client.databases.get_user(cluster_id, "app")["id"] == "not_found"


def test_a_user_that_can_t_be_made_is_not_kept(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    cluster_id = create(client, PG)["id"]
    hypervisor.failing.add("create_database_user")
    assert http.post(f"/v2/databases/{cluster_id}/users", json={"name": "app"}).status_code == 500
    assert http.get(f"/v2/databases/{cluster_id}/users/app").status_code == 404


def test_databases_are_made_and_dropped(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    cluster_id = create(client, PG)["id"]
    assert client.databases.add(cluster_id, {"name": "memory"})["db"]["name"] == "memory"
    assert (cluster_id, "memory") in hypervisor.databases
    assert client.databases.get(cluster_id, "memory")["db"]["name"] == "memory"
    assert [one["name"] for one in client.databases.list(cluster_id)["dbs"]] == ["defaultdb", "memory"]
    client.databases.delete(cluster_id, "memory")
    assert (cluster_id, "memory") not in hypervisor.databases
    assert http.delete(f"/v2/databases/{cluster_id}/dbs/defaultdb").status_code == 403, "it is the cluster's"


def test_a_configuration_reaches_the_server_in_its_own_units(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    cluster_id = create(client, PG)["id"]
    config = {"work_mem": 8, "jit": True, "timezone": "UTC", "log_min_duration_statement": 250}
    client.databases.patch_config(cluster_id, {"config": config})
    assert client.databases.get_config(cluster_id)["config"] == config
    assert hypervisor.clusters[cluster_id].settings == {
        "work_mem": "8MB",
        "jit": "on",
        "timezone": "UTC",
        "log_min_duration_statement": "250ms",
    }
    for bad in ({"shared_preload_libraries": "x"}, {"work_mem": "8MB"}, {"work_mem": True}):
        answer = http.patch(f"/v2/databases/{cluster_id}/config", json={"config": bad})
        assert answer.status_code == 422, f"{bad} is no setting of DigitalOcean's"
    hypervisor.failing.add("create_database_cluster")
    assert (
        http.patch(f"/v2/databases/{cluster_id}/config", json={"config": {"work_mem": 9}}).status_code == 500
    )
    assert client.databases.get_config(cluster_id)["config"] == config, "what didn't take effect isn't kept"


def test_a_resize_gives_the_server_more_memory(client: Any, hypervisor: RecordingHypervisor) -> None:
    cluster_id = create(client, PG)["id"]
    client.databases.update_cluster_size(cluster_id, {"size": "db-s-2vcpu-4gb", "num_nodes": 1})
    cluster = eventually(
        lambda: client.databases.get_cluster(cluster_id)["database"],
        lambda one: one["size"] == "db-s-2vcpu-4gb" and one["status"] == "online",
    )
    assert cluster["storage_size_mib"] == 60 * 1024
    with pytest.raises(HttpResponseError, match="can't be made smaller"):
        client.databases.update_cluster_size(cluster_id, {"size": "db-s-1vcpu-1gb", "num_nodes": 1})
    assert hypervisor.clusters[cluster_id].memory_mib == 4096


def test_the_certificate_maintenance_and_options_are_answered(client: Any, http: httpx.Client) -> None:
    cluster_id = create(client, PG)["id"]
    certificate = client.databases.get_ca(cluster_id)["ca"]["certificate"]
    assert base64.b64decode(certificate).startswith(b"-----BEGIN CERTIFICATE-----")
    client.databases.update_maintenance_window(cluster_id, {"day": "monday", "hour": "02:00"})
    window = client.databases.get_cluster(cluster_id)["database"]["maintenance_window"]
    assert (window["day"], window["hour"]) == ("monday", "02:00")
    assert (
        http.put(f"/v2/databases/{cluster_id}/maintenance", json={"day": "x", "hour": "2"}).status_code == 422
    )
    options = client.databases.list_options()["options"]
    assert (options["pg"]["versions"], options["valkey"]["versions"]) == (["18"], ["8"])
    assert client.databases.list_clusters()["databases"][0]["id"] == cluster_id


def test_a_deleted_cluster_is_gone_with_its_names(client: Any, hypervisor: RecordingHypervisor) -> None:
    cluster_id = create(client, PG)["id"]
    client.databases.add_user(cluster_id, {"name": "app"})
    client.databases.destroy_cluster(cluster_id)
    assert not hypervisor.clusters, "204 says that it is done"
    assert not hypervisor.names
    assert client.databases.get_cluster(cluster_id)["id"] == "not_found"
    assert create(client, PG)["name"] == "store", "its name is free again"


def test_a_cluster_whose_server_never_answers_does_not_look_as_if_it_might(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    hypervisor.failing.add("create_database_cluster")
    cluster_id = client.databases.create_cluster(PG)["database"]["id"]
    eventually(
        lambda: client.databases.get_cluster(cluster_id)["database"]["status"],
        lambda status: status == "error",
    )
    assert client.databases.get_cluster(cluster_id)["database"]["message"], "here its reason is known"
    client.databases.destroy_cluster(cluster_id)


def test_what_needs_a_server_waits_until_it_is_online(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    hypervisor.boots.clear()
    cluster_id = client.databases.create_cluster(PG)["database"]["id"]
    answers = [
        http.post(f"/v2/databases/{cluster_id}/users", json={"name": "app"}),
        http.post(f"/v2/databases/{cluster_id}/dbs", json={"name": "memory"}),
        http.get(f"/v2/databases/{cluster_id}/ca"),
    ]
    assert [answer.status_code for answer in answers] == [412] * 3
    hypervisor.boots.set()
    online(client, cluster_id)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"engine": "mysql"}, 422, "mysql is not in this local cloud: it has pg 18, valkey 8"),
        ({"engine": "oracle"}, 422, "oracle is an invalid engine"),
        ({"version": "16"}, 422, "pg 16 is not in this local cloud"),
        ({"version": "9"}, 422, "pg 9 is an invalid version"),
        ({"size": "s-1vcpu-1gb"}, 422, "invalid size s-1vcpu-1gb"),
        ({"num_nodes": 2}, 422, "one node, no standby"),
        ({"region": "mars1"}, 422, "invalid region"),
        ({"name": "Store"}, 422, "name: String should match pattern"),
        ({"private_network_uuid": "nowhere"}, 422, "private_network_uuid nowhere"),
        ({"rules": [{"type": "k8s", "value": "x"}]}, 422, "can be no trusted source"),
        ({"rules": [{"type": "ip_addr", "value": "::1"}]}, 422, "rules.0"),
        ({"rules": [{"type": "tag", "value": "nowhere"}]}, 422, "tag nowhere does not exist"),
        ({"backup_restore": {"database_name": "x"}}, 501, "database backups"),
        ({"num_nodes": "many"}, 422, "num_nodes"),
    ],
)
def test_a_bad_order_is_refused_in_words(
    http: httpx.Client, hypervisor: RecordingHypervisor, change: dict[str, Any], status: int, message: str
) -> None:
    answer = http.post("/v2/databases", json={**PG, **change})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text
    assert http.get("/v2/databases").json()["meta"]["total"] == 0
    assert hypervisor.is_empty, "nothing real is left of it"


def test_a_taken_name_is_refused(client: Any, http: httpx.Client) -> None:
    create(client, PG)
    answer = http.post("/v2/databases", json=PG)
    assert (answer.status_code, answer.json()["message"]) == (422, "cluster name is not available")
