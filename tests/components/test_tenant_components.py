"""What each component registers with the engine, by the stand-in that remembers it."""

import json
from typing import Any

import pulumi
import pytest

from components.agents import Agent, AgentCluster, AgentClusterArgs
from components.cache import Cache, CacheArgs
from components.cloud_init import CacheAccess, DatabaseAccess
from components.database import VectorDatabase, VectorDatabaseArgs
from components.flows import HOST_TIERS, Endpoint, rules_of
from components.guardrail import Guardrail, GuardrailArgs
from components.host import HardenedHost, HardenedHostArgs
from components.network import TenantNetwork, TenantNetworkArgs
from components.tokens import HARDENED_HOST, TENANT_NETWORK
from tests.recorded_stack import MARK, Recording, is_secret, plain, record, secret_of

DROPLET = "digitalocean:index/droplet:Droplet"
CLUSTER = "digitalocean:index/databaseCluster:DatabaseCluster"
FIREWALL = "digitalocean:index/firewall:Firewall"
TAG = "digitalocean:index/tag:Tag"
VPC = "digitalocean:index/vpc:Vpc"
NAT = "digitalocean:index/vpcNatGateway:VpcNatGateway"
TRUSTED = "digitalocean:index/databaseFirewall:DatabaseFirewall"
USER = "digitalocean:index/databaseUser:DatabaseUser"
PROJECT = "digitalocean:index/project:Project"

ACCESS = DatabaseAccess(
    host="private-database.example",
    port=25060,
    database="tenant",
    user="agents",
    password=secret_of("agents"),
    certificate="CA\n",
)
ADMINISTRATOR = DatabaseAccess(**{**vars(ACCESS), "user": "doadmin", "password": secret_of("doadmin")})
CACHE = CacheAccess(
    host="private-cache.example", port=25061, user="default", password=secret_of("cache"), certificate="CA\n"
)
COMMON: dict[str, Any] = {"tenant": "acme", "region": "nyc3"}
HOSTS = {**COMMON, "image": "debian-12-x64", "ip_range": "10.32.0.0/24", "ssh_keys": (), "vpc_id": "vpc-1"}


def network(**changes: Any) -> Recording:
    args = TenantNetworkArgs(**{**COMMON, "ip_range": "10.32.0.0/24", **changes})
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


def agents(*wanted: Agent) -> Recording:
    def program() -> None:
        args = AgentClusterArgs(
            **HOSTS,
            agents=wanted,
            names={"private-database.example": "10.32.0.3"},
            database=pulumi.Output.secret(ACCESS),
            cache=pulumi.Output.secret(CACHE),
        )
        AgentCluster("acme-agent-main", args)

    return record(program)


def agent(name: str, **changes: Any) -> Agent:
    given = {"kind": "langchain", "model": "anthropic/claude", "size": "s-1vcpu-1gb", "replicas": 1}
    return Agent(name=name, **{**given, **changes})


def guardrail() -> Recording:
    def program() -> None:
        args = GuardrailArgs(
            **HOSTS,
            size="s-1vcpu-2gb",
            names={"private-database.example": "10.32.0.3"},
            database=pulumi.Output.secret(ACCESS),
            administrator=pulumi.Output.secret(ADMINISTRATOR),
        )
        Guardrail("acme-guardrail-main", args)

    return record(program)


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
    wanted = {(r.direction, r.port.protocol, str(r.port.number), _translated(r.peer)) for r in rules_of(tier)}
    assert found == wanted, "the cloud firewall and the table differ"
    assert len(written) <= 50, "DigitalOcean takes 50 rules at most"


def _peer(rule: dict[str, Any]) -> tuple[str, ...]:
    ends = ("sourceTags", "sourceAddresses", "destinationTags", "destinationAddresses")
    return next(tuple(rule[end]) for end in ends if end in rule)


def _translated(peer: Endpoint) -> tuple[str, ...]:
    if peer in HOST_TIERS:
        return (f"tenant-acme-{peer.value}",)
    return ("10.32.0.0/24",) if peer in (Endpoint.DATABASE, Endpoint.CACHE) else ("0.0.0.0/0", "::/0")


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


def test_a_host_has_no_public_interface_and_both_of_its_tags() -> None:
    for droplet in agents(agent("writer")).of_type(DROPLET):
        assert droplet.props["publicNetworking"] is False
        assert droplet.props["ipv6"] is False
        assert droplet.props["dropletAgent"] is False
        assert droplet.props["monitoring"] is True
        assert droplet.props["resizeDisk"] is False, (
            "a size can be taken back only while the disk is the same"
        )
        assert droplet.props["tags"] == ["tenant-acme", "tenant-acme-agent"]
        assert "sshKeys" not in droplet.props, "DigitalOcean's keys would be root's"


def test_user_data_is_secret_even_when_nobody_marked_it() -> None:
    args = HardenedHostArgs(
        tenant="acme",
        tier=Endpoint.AGENT,
        region="nyc3",
        size="s-1vcpu-1gb",
        image="debian-12-x64",
        vpc_id="vpc-1",
        user_data="#cloud-config\n",
    )
    recording = record(lambda: HardenedHost("acme-agent-a-1", args))
    assert is_secret(recording.one(DROPLET).props["userData"])
    component = recording.one(HARDENED_HOST)
    assert is_secret(component.props["user_data"]), "the component's own inputs are in the state too"
    assert set(recording.outputs[component.urn]) == {"droplet_id", "droplet_urn", "private_address"}


def test_replicas_are_counted_from_one_and_named_by_agent() -> None:
    names = [droplet.name for droplet in agents(agent("b", replicas=2), agent("a")).of_type(DROPLET)]
    assert names == ["acme-agent-a-1", "acme-agent-b-1", "acme-agent-b-2"]


def test_kind_and_model_are_recorded_and_do_not_touch_the_host() -> None:
    one = agents(agent("a", kind="n8n", model="openai/x"))
    other = agents(agent("a", kind="openclaw", model="openai/y"))
    assert one.one(DROPLET).props == other.one(DROPLET).props, "a change of model would replace the host"
    assert one.one("tenantry:index:AgentCluster").props["agents"][0]["kind"] == "n8n"


def test_an_agents_host_is_told_its_own_credentials_and_never_the_administrators() -> None:
    user_data = plain(agents(agent("a")).one(DROPLET).props["userData"])
    assert secret_of("agents") in user_data
    assert secret_of("cache") in user_data
    assert "doadmin" not in user_data


def test_the_guardrail_is_one_host_and_prepares_the_database() -> None:
    droplet = guardrail().one(DROPLET)
    assert droplet.name == "acme-guardrail-1"
    user_data = plain(droplet.props["userData"])
    assert "CREATE EXTENSION IF NOT EXISTS vector" in user_data
    assert secret_of("doadmin") in user_data


@pytest.mark.parametrize("build", [guardrail, database, cache, lambda: agents(agent("a"))])
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
