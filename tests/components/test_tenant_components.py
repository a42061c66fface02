"""What each component registers with the engine, by the stand-in that remembers it."""

import json
from typing import Any

import pytest

from components.cache import Cache, CacheArgs
from components.database import VectorDatabase, VectorDatabaseArgs
from components.flows import HOST_TIERS, OVER_THE_MESH, Endpoint, rules_of
from components.mesh import Mesh
from components.network import TenantNetwork, TenantNetworkArgs
from components.tokens import TENANT_NETWORK
from tests.recorded_stack import MARK, Recording, is_secret, record

CLUSTER = "digitalocean:index/databaseCluster:DatabaseCluster"
FIREWALL = "digitalocean:index/firewall:Firewall"
TAG = "digitalocean:index/tag:Tag"
VPC = "digitalocean:index/vpc:Vpc"
NAT = "digitalocean:index/vpcNatGateway:VpcNatGateway"
TRUSTED = "digitalocean:index/databaseFirewall:DatabaseFirewall"
USER = "digitalocean:index/databaseUser:DatabaseUser"
PROJECT = "digitalocean:index/project:Project"

COMMON: dict[str, Any] = {"tenant": "acme", "region": "nyc3"}
MESH = Mesh(login_server=None, coordination=("192.200.0.101/32", "192.0.2.0/24"), peers=("198.18.255.0/24",))


def network(**changes: Any) -> Recording:
    args = TenantNetworkArgs(**{**COMMON, "ip_range": "10.32.0.0/24", "mesh": MESH, **changes})
    return record(lambda: TenantNetwork("acme-network-main", args))


def database(**changes: Any) -> Recording:
    given = {
        "size": "db-s-1vcpu-1gb",
        "version": "18",
        "node_count": 1,
        "vpc_id": "vpc-1",
        "project_id": "p-1",
    }
    args = VectorDatabaseArgs(**{**COMMON, **given, **changes})
    return record(lambda: VectorDatabase("acme-database-main", args))


def cache(**changes: Any) -> Recording:
    given = {"size": "db-s-1vcpu-1gb", "version": "8", "eviction_policy": "noeviction"}
    args = CacheArgs(**{**COMMON, **given, "vpc_id": "vpc-1", "project_id": "p-1", **changes})
    return record(lambda: Cache("acme-cache-main", args))


def test_the_network_has_a_tag_for_the_tenant_and_each_tier() -> None:
    names = {tag.props["name"] for tag in network().of_type(TAG)}
    assert names == {
        "tenant-acme",
        "tenant-acme-agent",
        "tenant-acme-guardrail",
        "tenant-acme-database",
        "tenant-acme-cache",
    }


def test_the_only_way_out_of_the_vpc_is_its_nat_gateway() -> None:
    recording = network()
    assert recording.one(VPC).props["ipRange"] == "10.32.0.0/24"
    gateway = recording.one(NAT).props
    assert gateway["vpcs"] == [{"vpcUuid": "id-of-acme-network-vpc", "defaultGateway": True}]
    assert gateway["projectId"] == "id-of-acme-project", "it is billed, so it belongs to the tenant's project"


@pytest.mark.parametrize("tier", HOST_TIERS)
def test_a_tiers_cloud_firewall_has_its_rules_of_the_table_and_no_other(tier: Endpoint) -> None:
    props = network().one(FIREWALL, f"acme-firewall-{tier}").props
    assert props["tags"] == [f"tenant-acme-{tier}"], "a firewall targets its tier's tag"
    written = [("inbound", rule) for rule in props.get("inboundRules", [])]
    written += [("outbound", rule) for rule in props.get("outboundRules", [])]
    found = {(direction, rule["protocol"], rule["portRange"], _peer(rule)) for direction, rule in written}
    wanted = {
        (rule.direction, rule.port.protocol, str(rule.port.number), _translated(rule.peer))
        for rule in rules_of(tier)
        if rule.peer not in OVER_THE_MESH
    }
    assert found == wanted, "the cloud firewall and the table differ"
    assert len(written) <= 50, "DigitalOcean takes 50 rules at most"


def _peer(rule: dict[str, Any]) -> tuple[str, ...]:
    ends = ("sourceTags", "sourceAddresses", "destinationTags", "destinationAddresses")
    return next(tuple(rule[end]) for end in ends if end in rule)


def _translated(peer: Endpoint) -> tuple[str, ...]:
    known = {
        Endpoint.DATABASE: ("10.32.0.0/24",),
        Endpoint.CACHE: ("10.32.0.0/24",),
        Endpoint.MESH: ("192.200.0.101/32", "192.0.2.0/24"),
        Endpoint.MESH_PEERS: ("198.18.255.0/24",),
        Endpoint.MODEL_APIS: ("0.0.0.0/0", "::/0"),
    }
    return known.get(peer) or (f"tenant-acme-{peer.value}",)


def test_an_agent_reaches_no_address_of_the_internet_but_the_meshs() -> None:
    rules = network().one(FIREWALL, "acme-firewall-agent").props["outboundRules"]
    assert not any("0.0.0.0/0" in _peer(rule) for rule in rules), "not even root of a host that is taken over"


def test_without_mesh_peers_the_cloud_firewall_has_no_rule_for_them() -> None:
    alone = Mesh(login_server=None, coordination=("192.0.2.0/24",))
    for firewall in network(mesh=alone).of_type(FIREWALL):
        assert not any(rule["portRange"] == "41641" for rule in firewall.props["outboundRules"])


def test_firewalls_come_after_the_tags_that_they_name() -> None:
    recording = network()
    tags = {tag.urn for tag in recording.of_type(TAG)}
    for firewall in recording.of_type(FIREWALL):
        assert tags <= set(firewall.dependencies), f"{firewall.name} could come before a tag"


def test_everything_in_the_network_is_the_components_child_and_nothing_is_protected_behind_its_back() -> None:
    recording = network()
    component = recording.one(TENANT_NETWORK)
    children = [item for item in recording.resources if item.type.startswith("digitalocean:")]
    assert len(children) == 10, f"{[child.name for child in children]}"
    assert {child.parent for child in children} == {component.urn}
    outputs = recording.outputs[component.urn]
    assert set(outputs) == {"project_id", "vpc_id", "nat_gateway_id", "firewall_ids"}


def test_an_environment_that_digitalocean_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'Prod'"):
        network(environment="Prod")
    assert network(environment="Staging").one(PROJECT).props["environment"] == "Staging"


@pytest.mark.parametrize("build", [database, cache])
def test_no_secret_is_anywhere_but_inside_a_secret(build: Any) -> None:
    recording = build()
    assert recording.resources, "there is something to look at"
    for props in [item.props for item in recording.resources] + list(recording.outputs.values()):
        assert "fake-" not in json.dumps(_without_secrets(props)), "a password would be plain in the state"


def _without_secrets(value: Any) -> Any:
    if is_secret(value):
        return MARK
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def test_the_database_lets_in_the_tiers_of_the_table_by_tag() -> None:
    rules = database().one(TRUSTED).props["rules"]
    assert rules == [
        {"type": "tag", "value": "tenant-acme-agent"},
        {"type": "tag", "value": "tenant-acme-guardrail"},
    ]
    assert cache().one(TRUSTED).props["rules"] == [{"type": "tag", "value": "tenant-acme-agent"}]


def test_the_database_has_a_user_for_each_tier() -> None:
    assert [user.props["name"] for user in database().of_type(USER)] == ["agents", "guardrail"]
    assert not cache().of_type(USER), "DigitalOcean has no users for Valkey"


@pytest.mark.parametrize("build", [database, cache])
def test_clusters_are_private_tagged_and_protected_unless_told_otherwise(build: Any) -> None:
    cluster = build().one(CLUSTER)
    assert cluster.protect, "deletion protection is the default"
    assert not build(protect=False).one(CLUSTER).protect
    assert cluster.props["privateNetworkUuid"] == "vpc-1"
    assert cluster.props["projectId"] == "p-1"
    assert cluster.props["tags"][0] == "tenant-acme"


def test_the_database_itself_is_protected_with_its_cluster() -> None:
    token = "digitalocean:index/databaseDb:DatabaseDb"
    assert database().one(token).protect
    assert not database(protect=False).one(token).protect


@pytest.mark.parametrize(
    ("build", "token"),
    [(database, "tenantry:index:VectorDatabase"), (cache, "tenantry:index:Cache")],
)
def test_a_services_outputs_have_its_name_and_the_address_that_hosts_need(build: Any, token: str) -> None:
    recording = build()
    outputs = recording.outputs[recording.one(token).urn]
    assert {"cluster_id", "host", "address", "port", "certificate"} <= set(outputs)
    assert outputs["address"].startswith("10.32.0."), "the private name, resolved"
