"""The life of things, over gRPC as the engine speaks it, against a fake API."""

import grpc
import pytest
from digitalocean_fake import FakeApi
from plugin_client import Plugin

from toolchain.plugins.base.values import UNKNOWN, Secret, decode, reveal

VPC = {"name": "acme", "region": "nyc3", "ipRange": "10.1.0.0/24"}
DROPLET = {"name": "acme-agent-1", "image": "debian-12-x64", "region": "NYC3", "size": "s-1vcpu-1gb"}


def test_a_vpc_is_made_read_renamed_and_removed(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Vpc", VPC)
    assert cloud.requests("POST", "/v2/vpcs") == [
        {"name": "acme", "region": "nyc3", "ip_range": "10.1.0.0/24"}
    ]
    assert state["vpcUrn"] == f"do:vpc:{id}", "what the API calls urn is vpcUrn"
    after = plugin.update("Vpc", id, state, inputs, {**inputs, "name": "acme-2"})
    assert after["name"] == "acme-2", "the new name is in the state"
    plugin.delete("Vpc", id, after)
    assert not cloud.things["vpcs"], "nothing is left"


def test_a_droplet_is_awaited_and_its_user_data_stays_a_digest(plugin: Plugin, password: str) -> None:
    id, inputs, state = plugin.make("Droplet", {**DROPLET, "userData": Secret(f"#cloud-config {password}")})
    assert state["status"] == "active", "the create ends when the droplet runs"
    assert state["region"] == "nyc3", "a region is kept in lower case"
    assert isinstance(state["userData"], Secret), "what came in as a secret stays one"
    assert password not in str(reveal(state)), "only the digest is kept"
    assert state["dropletUrn"] == f"do:droplet:{id}", "projects take droplets by this urn"
    unchanged = plugin.diff("Droplet", state, inputs, inputs)
    assert unchanged.changes == unchanged.DIFF_NONE, "the digest is compared with the text's"


def test_an_update_of_a_droplet_goes_by_actions(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Droplet", {**DROPLET, "tags": ["old"]})
    cloud.things["tags"]["old"] = {"id": "old", "name": "old"}
    wanted = {**inputs, "size": "s-2vcpu-2gb", "name": "acme-agent-2", "tags": ["new"]}
    after = plugin.update("Droplet", id, state, inputs, wanted)
    done = [body["type"] for body in cloud.requests("POST", f"/v2/droplets/{id}/actions")]
    assert done == ["power_off", "resize", "power_on", "rename"], (
        "a resize needs the droplet off, and puts it on again"
    )
    assert (after["size"], after["name"], after["tags"]) == ("s-2vcpu-2gb", "acme-agent-2", ["new"])


def test_a_failed_action_fails_the_resource_in_digitaloceans_words(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Droplet", DROPLET)
    cloud.action_status = "errored"
    with pytest.raises(grpc.RpcError, match="the hypervisor is out of memory"):
        plugin.update("Droplet", id, state, inputs, {**inputs, "name": "other"})


def test_a_droplet_whose_create_errors_is_removed_so_that_the_next_update_makes_another(
    plugin: Plugin, cloud: FakeApi
) -> None:
    cloud.action_status, cloud.polls_until_active = "errored", 99
    with pytest.raises(grpc.RpcError, match="out of memory; the droplet has been removed again"):
        plugin.make("Droplet", DROPLET)
    assert not cloud.things["droplets"], "a droplet that never starts would block its name and every update"


def test_a_cluster_that_never_comes_online_is_removed_at_once(plugin: Plugin, cloud: FakeApi) -> None:
    cloud.database_status = "error"
    with pytest.raises(grpc.RpcError, match=r"has become error.*the cluster has been removed again"):
        plugin.make(
            "DatabaseCluster",
            {
                "name": "acme-db",
                "engine": "pg",
                "version": "18",
                "size": "db-s-1vcpu-1gb",
                "region": "nyc3",
                "nodeCount": 1,
            },
        )
    assert not cloud.things["databases"], "the next update makes another; half an hour's wait would not help"


def test_an_update_waits_for_a_droplet_whose_create_was_cut_short(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Droplet", DROPLET)
    cloud.things["droplets"][id].update(status="new", polls=0)
    cloud.polls_until_active = 3
    plugin.update("Droplet", id, state, inputs, inputs)
    assert cloud.things["droplets"][id]["status"] == "active", "what depends on it needs it running"


def test_a_refusal_names_the_resource_and_quotes_digitalocean(plugin: Plugin) -> None:
    plugin.make("Vpc", VPC)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.make("Vpc", VPC)
    said = caught.value.details()
    for part in ("vpc:Vpc thing", "422", "unprocessable_entity", "a vpc named acme already exists", "req-1"):
        assert part in said, "the message has what is needed to act on it"


def test_what_has_gone_is_read_as_gone_and_removed_without_complaint(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Vpc", VPC)
    cloud.things["vpcs"].clear()
    assert plugin.read("Vpc", id, state, inputs).id == "", "a 404 means gone"
    plugin.delete("Vpc", id, state)


def test_a_refresh_shows_drift_and_the_next_diff_undoes_it(plugin: Plugin, cloud: FakeApi) -> None:
    id, inputs, state = plugin.make("Vpc", {**VPC, "description": "ours"})
    cloud.things["vpcs"][id]["description"] = "theirs"
    response = plugin.read("Vpc", id, state, inputs)
    drifted = decode(response.properties)
    assert drifted["description"] == "theirs", "the state follows the cloud"
    found = plugin.diff("Vpc", drifted, decode(response.inputs), inputs)
    assert list(found.diffs) == ["description"], "the program's value is put back"
    assert not found.replaces, "a description is changed in place"


def test_an_import_gives_the_inputs_that_a_program_needs(plugin: Plugin) -> None:
    id, inputs, _ = plugin.make("Vpc", VPC)
    response = plugin.read("Vpc", id)
    imported = decode(response.inputs)
    assert {key: imported[key] for key in VPC} == VPC, "every input that has a value is there"
    found = plugin.diff("Vpc", decode(response.properties), imported, inputs)
    assert found.changes == found.DIFF_NONE, "the same program finds nothing to do"


def test_rules_of_a_firewall_are_the_same_after_the_way_through_the_api(
    plugin: Plugin, cloud: FakeApi
) -> None:
    inbound = [
        {"protocol": "tcp", "portRange": "22", "sourceTags": ["b", "a"]},
        {"protocol": "icmp", "sourceAddresses": ["10.1.0.0/24"]},
    ]
    outbound = [{"protocol": "udp", "portRange": "all", "destinationAddresses": ["0.0.0.0/0"]}]
    id, inputs, state = plugin.make(
        "Firewall", {"name": "f", "tags": ["t"], "inboundRules": inbound, "outboundRules": outbound}
    )
    assert cloud.requests("POST", "/v2/firewalls")[0]["inbound_rules"][0] == {
        "protocol": "tcp",
        "ports": "22",
        "sources": {"tags": ["b", "a"]},
    }
    cloud.things["firewalls"][id]["outbound_rules"][0]["ports"] = "0"
    cloud.things["firewalls"][id]["inbound_rules"].reverse()
    state = decode(plugin.read("Firewall", id, state, inputs).properties)
    found = plugin.diff("Firewall", state, inputs, inputs)
    assert found.changes == found.DIFF_NONE, "DigitalOcean's spelling and order make no difference"


def test_a_cluster_is_awaited_and_its_passwords_are_secrets(plugin: Plugin) -> None:
    cluster = {
        "name": "acme-db",
        "engine": "pg",
        "version": "18",
        "region": "nyc3",
        "size": "db-s-1vcpu-1gb",
        "nodeCount": 1,
    }
    id, _, state = plugin.make("DatabaseCluster", cluster)
    assert state["clusterUrn"] == f"do:dbaas:{id}"
    assert state["privateHost"] == "private-db.example"
    for name in ("password", "uri", "privateUri"):
        assert isinstance(state[name], Secret), f"{name} must be encrypted in the state"


def test_trusted_sources_of_a_cluster_are_read_by_the_clusters_id(plugin: Plugin) -> None:
    cluster = {
        "name": "acme-db",
        "engine": "pg",
        "version": "18",
        "region": "nyc3",
        "size": "db-s-1vcpu-1gb",
        "nodeCount": 1,
    }
    owner, _, _ = plugin.make("DatabaseCluster", cluster)
    rules = [{"type": "tag", "value": "tenant-acme"}]
    id, inputs, state = plugin.make("DatabaseFirewall", {"clusterId": owner, "rules": rules})
    found = plugin.diff("DatabaseFirewall", state, inputs, inputs)
    assert found.changes == found.DIFF_NONE, "ids that the API gives its rules make no difference"
    plugin.delete("DatabaseFirewall", id, state)


def test_a_preview_knows_the_inputs_and_nothing_of_the_rest(plugin: Plugin, cloud: FakeApi) -> None:
    inputs = plugin.checked("Droplet", {**DROPLET, "vpcUuid": UNKNOWN})
    id, state = plugin.create("Droplet", inputs, preview=True)
    assert not id, "there is no id before there is a droplet"
    assert state["vpcUuid"] is UNKNOWN, "an unknown passes through"
    assert state["ipv4Address"] is UNKNOWN, "what the API will say is unknown"
    assert state["size"] == "s-1vcpu-1gb", "what the program says is known"
    assert not cloud.calls, "a preview makes no call"


def test_a_function_finds_a_thing_by_its_name(plugin: Plugin) -> None:
    id, _, _ = plugin.make("Vpc", VPC)
    found = plugin.invoke("getVpc", name="acme")
    assert (found["id"], found["ipRange"], found["urn"]) == (id, "10.1.0.0/24", f"do:vpc:{id}")


def test_a_function_that_isnt_there_is_named(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"getSpacesBuckets.*lacks this function"):
        plugin.invoke("getSpacesBuckets")
