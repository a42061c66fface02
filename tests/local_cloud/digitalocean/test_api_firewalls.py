"""Firewalls and trusted sources: what the API takes, and what each endpoint lets through because of it."""

from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

from local_cloud.hypervisor.model import Policy, Rule

DROPLET = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
SSH = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["192.0.2.0/24", "2001:db8::/32"]}}
ALL_OUT = {"protocol": "tcp", "ports": "all", "destinations": {"addresses": ["0.0.0.0/0"]}}


def droplet(client: Any, name: str, **options: Any) -> dict[str, Any]:
    made = client.droplets.create({**DROPLET, "name": name, **options})["droplet"]["id"]
    shown = eventually(
        lambda: client.droplets.get(made)["droplet"],
        lambda one: one["status"] == "active" and not one["locked"],
    )
    return dict(shown)


def networks(shown: dict[str, Any]) -> set[Any]:
    return {ip_network(one["ip_address"]) for one in shown["networks"]["v4"]}


def rules(hypervisor: RecordingHypervisor, droplet_id: int) -> tuple[Rule, ...]:
    policy = hypervisor.policies[f"droplet:{droplet_id}"]
    assert policy is not None, "the droplet has a firewall, so it is not open"
    return policy.rules


def test_a_droplet_without_a_firewall_is_open(client: Any, hypervisor: RecordingHypervisor) -> None:
    shown = droplet(client, "open")
    assert hypervisor.policies[f"droplet:{shown['id']}"] is None


def test_a_firewall_lets_through_what_its_rules_say(client: Any, hypervisor: RecordingHypervisor) -> None:
    shown = droplet(client, "web")
    firewall = client.firewalls.create(
        {
            "name": "fw",
            "droplet_ids": [shown["id"]],
            "inbound_rules": [SSH, {"protocol": "icmp", "sources": {"addresses": ["10.0.0.0/8"]}}],
            "outbound_rules": [ALL_OUT],
        }
    )["firewall"]
    assert firewall["status"] == "succeeded", "the rules are real before the answer"
    assert firewall["inbound_rules"][1]["ports"] == "0", "icmp has no ports"
    assert rules(hypervisor, shown["id"]) == (
        Rule(
            direction="inbound",
            protocol="tcp",
            ports=(22, 22),
            peers=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        ),
        Rule(direction="inbound", protocol="icmp", ports=None, peers=(ip_network("10.0.0.0/8"),)),
        Rule(direction="outbound", protocol="tcp", ports=None, peers=(ip_network("0.0.0.0/0"),)),
    )
    client.firewalls.delete(firewall["id"])
    assert hypervisor.policies[f"droplet:{shown['id']}"] is None, "its last firewall has gone"


def test_tags_attach_a_firewall_and_name_its_peers_whoever_carries_them_when(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    for tag in ("guard", "agent"):
        client.tags.create({"name": tag})
    guard = droplet(client, "guard-1", tags=["guard"])
    client.firewalls.create(
        {
            "name": "fw",
            "tags": ["guard"],
            "inbound_rules": [{"protocol": "tcp", "ports": "8443", "sources": {"tags": ["agent"]}}],
        }
    )
    assert rules(hypervisor, guard["id"]) == (), "nobody carries the tag, so nobody comes through"
    agent = droplet(client, "agent-1", tags=["agent"])
    assert set(rules(hypervisor, guard["id"])[0].peers) == networks(agent), "all of its interfaces"
    client.tags.unassign_resources(
        "agent", {"resources": [{"resource_id": str(agent["id"]), "resource_type": "droplet"}]}
    )
    assert rules(hypervisor, guard["id"]) == ()
    client.tags.assign_resources(
        "agent", {"resources": [{"resource_id": str(agent["id"]), "resource_type": "droplet"}]}
    )
    assert set(rules(hypervisor, guard["id"])[0].peers) == networks(agent)
    client.droplets.destroy(agent["id"])
    assert rules(hypervisor, guard["id"]) == (), "a deleted droplet's addresses are nobody's"
    client.tags.delete("guard")
    assert hypervisor.policies[f"droplet:{guard['id']}"] is None


def test_a_firewall_is_there_before_the_machine_boots(client: Any, hypervisor: RecordingHypervisor) -> None:
    client.tags.create({"name": "tier"})
    client.firewalls.create({"name": "fw", "tags": ["tier"], "inbound_rules": [SSH]})
    shown = droplet(client, "web", tags=["tier"])
    deeds = [deed for deed, _ in hypervisor.deeds]
    assert deeds.index("apply_policies") < deeds.index("create_machine")
    assert len(rules(hypervisor, shown["id"])) == 1


def test_droplets_tags_and_rules_are_added_and_removed(client: Any, hypervisor: RecordingHypervisor) -> None:
    one, two = droplet(client, "one"), droplet(client, "two", tags=["late"])
    firewall_id = client.firewalls.create({"name": "fw", "inbound_rules": [SSH]})["firewall"]["id"]
    client.firewalls.assign_droplets(firewall_id, {"droplet_ids": [one["id"]]})
    client.firewalls.add_tags(firewall_id, {"tags": ["late"]})
    client.firewalls.add_rules(firewall_id, {"outbound_rules": [ALL_OUT]})
    assert len(rules(hypervisor, one["id"])) == len(rules(hypervisor, two["id"])) == 2
    assert [one["id"] for one in client.droplets.list_firewalls(two["id"])["firewalls"]] == [firewall_id]
    client.firewalls.delete_rules(firewall_id, {"outbound_rules": [ALL_OUT]})
    client.firewalls.delete_droplets(firewall_id, {"droplet_ids": [one["id"]]})
    client.firewalls.delete_tags(firewall_id, {"tags": ["late"]})
    assert hypervisor.policies[f"droplet:{one['id']}"] is hypervisor.policies[f"droplet:{two['id']}"] is None
    changed = client.firewalls.update(
        firewall_id, {"name": "fw2", "inbound_rules": [{**SSH, "ports": "8000-9000"}], "tags": ["late"]}
    )["firewall"]
    assert (changed["name"], changed["tags"]) == ("fw2", ["late"])
    assert rules(hypervisor, two["id"])[0].ports == (8000, 9000)
    assert client.firewalls.list()["meta"]["total"] == 1


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"inbound_rules": []}, 400, "one of inbound_rules or outbound_rules must be specified"),
        ({"inbound_rules": [SSH] * 51}, 400, "at most 50 rules"),
        ({"tags": [f"t{number}" for number in range(6)]}, 400, "at most 5 tags"),
        ({"droplet_ids": list(range(11))}, 400, "at most 10 droplets"),
        ({"droplet_ids": [99]}, 400, "droplet 99 was not found"),
        ({"tags": ["nowhere"]}, 400, "tag nowhere does not exist"),
        ({"name": "-fw"}, 422, "name: String should match pattern"),
        ({"inbound_rules": [{**SSH, "protocol": "gre"}]}, 422, "inbound_rules.0.protocol"),
        ({"inbound_rules": [{**SSH, "ports": "70000"}]}, 422, "no port or range of ports"),
        ({"inbound_rules": [{**SSH, "ports": "90-80"}]}, 422, "no port or range of ports"),
        ({"inbound_rules": [{**SSH, "ports": None}]}, 422, "needs ports"),
        ({"inbound_rules": [{**SSH, "sources": {}}]}, 422, "give addresses, droplet_ids or tags"),
        ({"inbound_rules": [{**SSH, "sources": {"addresses": ["300.0.0.1"]}}]}, 422, "sources.addresses.0"),
        ({"inbound_rules": [{**SSH, "sources": {"load_balancer_uids": ["x"]}}]}, 422, "no load balancers"),
    ],
)
def test_a_bad_firewall_is_refused_in_words(
    http: httpx.Client, change: dict[str, Any], status: int, message: str
) -> None:
    answer = http.post("/v2/firewalls", json={"name": "fw", "inbound_rules": [SSH], **change})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text
    assert http.get("/v2/firewalls").json()["meta"]["total"] == 0


def test_two_firewalls_of_one_name_are_refused(http: httpx.Client) -> None:
    assert http.post("/v2/firewalls", json={"name": "fw", "inbound_rules": [SSH]}).status_code == 202
    answer = http.post("/v2/firewalls", json={"name": "fw", "inbound_rules": [SSH]})
    assert (answer.status_code, answer.json()["message"]) == (409, "duplicate name")


def test_a_firewall_that_can_t_be_made_real_is_not_kept(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    shown = droplet(client, "web")
    hypervisor.failing.add("apply_policies")
    order = {"name": "fw", "inbound_rules": [SSH], "droplet_ids": [shown["id"]]}
    assert http.post("/v2/firewalls", json=order).status_code == 500
    hypervisor.failing.clear()
    assert http.get("/v2/firewalls").json()["firewalls"] == []
    assert http.post("/v2/firewalls", json=order).status_code == 202, "and it can be tried again"


def test_a_firewall_reaches_nobody_in_another_account(cloud: RunningCloud, client: Any) -> None:
    client.tags.create({"name": "tier"})
    mine = droplet(client, "mine", tags=["tier"])
    other = cloud.pydo(cloud.account("other"))
    other.tags.create({"name": "tier"})
    other.firewalls.create({"name": "fw", "tags": ["tier"], "inbound_rules": [SSH]})
    assert cloud.hypervisor.policies[f"droplet:{mine['id']}"] is None
    refused = cloud.http(cloud.account("third")).post(
        "/v2/firewalls", json={"name": "fw", "inbound_rules": [SSH], "droplet_ids": [mine["id"]]}
    )
    assert refused.status_code == 400, "another account's droplet is not found"


def test_trusted_sources_open_a_database_to_them_and_to_nobody_else(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    cluster = client.databases.create_cluster(
        {"name": "store", "engine": "pg", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1}
    )["database"]
    endpoint = f"database:{cluster['id']}"
    assert hypervisor.policies[endpoint] is None, "without trusted sources it is open"
    client.tags.create({"name": "agent"})
    sources = [{"type": "tag", "value": "agent"}]
    client.databases.update_firewall_rules(cluster["id"], {"rules": sources})
    assert hypervisor.policies[endpoint] == Policy(rules=(), unrestricted_outbound=True)
    agent = droplet(client, "agent-1", tags=["agent"])
    policy = hypervisor.policies[endpoint]
    assert policy is not None
    assert [(rule.ports, set(rule.peers)) for rule in policy.rules] == [((25060, 25060), networks(agent))]
    sources = [{"type": "ip_addr", "value": "192.0.2.7"}, {"type": "droplet", "value": str(agent["id"])}]
    client.databases.update_firewall_rules(cluster["id"], {"rules": sources})
    shown = client.databases.list_firewall_rules(cluster["id"])["rules"]
    assert [(rule["type"], rule["value"]) for rule in shown] == [tuple(one.values()) for one in sources]
    policy = hypervisor.policies[endpoint]
    assert policy is not None
    assert set(policy.rules[0].peers) == {*networks(agent), ip_network("192.0.2.7/32")}
    client.databases.update_firewall_rules(cluster["id"], {"rules": []})
    assert hypervisor.policies[endpoint] is None
