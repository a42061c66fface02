"""Every resource of a tenant through the stand-in, against the API of the local cloud."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from plugin_client import Plugin
from plugin_stack import Stack
from running_cloud import RunningCloud

from toolchain.plugins.base.values import Secret

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUnoPW5XtcYlLpuVEvH2TKVZkA9P0M5EOpS7TqF4UqL someone"


@pytest.fixture
def tenant(bare: Plugin, tmp_path: Path) -> Iterator[Plugin]:
    cloud = RunningCloud(tmp_path, "dop_v1_" + secrets.token_hex(32))
    bare.configure(token=cloud.token, apiEndpoint=cloud.url, httpRetryWaitMin=0.05)
    yield bare
    cloud.stop()


def test_a_tenants_resources_live_and_go(tenant: Plugin) -> None:
    stack = Stack(tenant)
    vpc = stack.add("Vpc", name="acme", region="nyc3", ipRange="10.20.0.0/24")
    tag = stack.add("Tag", name="tenant-acme")
    gateway = {
        "type": "PUBLIC",
        "region": "nyc3",
        "size": 1,
        "vpcs": [{"vpcUuid": vpc, "defaultGateway": True}],
    }
    stack.add("VpcNatGateway", name="acme-nat", **gateway)
    key = stack.add("SshKey", name="ops", publicKey=KEY)
    droplet = stack.add(
        "Droplet",
        name="acme-agent-1",
        region="nyc3",
        size="s-1vcpu-1gb",
        image="debian-12-x64",
        vpcUuid=vpc,
        publicNetworking=False,
        sshKeys=[key],
        tags=[tag],
        userData=Secret("#cloud-config"),
    )
    inbound = [
        {"protocol": "tcp", "portRange": "8443", "sourceTags": [tag]},
        {"protocol": "icmp", "sourceTags": [tag]},
    ]
    outbound = [{"protocol": "udp", "portRange": "all", "destinationAddresses": ["10.20.0.0/24"]}]
    stack.add("Firewall", name="acme-agent", tags=[tag], inboundRules=inbound, outboundRules=outbound)
    volume = stack.add("Volume", name="acme-data", region="nyc3", size=10, tags=[tag])
    stack.add("VolumeAttachment", dropletId=droplet, volumeId=volume)
    project = stack.add("Project", name="acme", environment="Development", purpose="agents")
    stack.add("ProjectResources", project=project, resources=[f"do:droplet:{droplet}", f"do:volume:{volume}"])
    assert not stack.differences(), "the same program changes nothing"
    stack.destroy()


def test_a_tenants_databases_live_and_go(tenant: Plugin) -> None:
    stack = Stack(tenant)
    vpc = stack.add("Vpc", name="acme", region="nyc3", ipRange="10.20.0.0/24")
    common = {"region": "nyc3", "size": "db-s-1vcpu-1gb", "nodeCount": 1, "privateNetworkUuid": vpc}
    database = stack.add("DatabaseCluster", name="acme-db", engine="pg", version="18", **common)
    stack.add("DatabaseDb", clusterId=database, name="memory")
    stack.add("DatabaseUser", clusterId=database, name="agent")
    stack.add("DatabaseFirewall", clusterId=database, rules=[{"type": "ip_addr", "value": "10.20.0.2"}])
    stack.add("DatabasePostgresqlConfig", clusterId=database, timezone="UTC")
    stack.add(
        "DatabaseCluster",
        name="acme-cache",
        engine="valkey",
        version="8",
        evictionPolicy="allkeys_lru",
        **common,
    )
    assert not stack.differences(), "the same program changes nothing"
    authority = tenant.invoke("getDatabaseCa", clusterId=database)["certificate"]
    assert authority.startswith("-----BEGIN CERTIFICATE-----"), "PEM, not base64"
    password = tenant.invoke("getDatabaseUser", clusterId=database, name="agent")["password"]
    assert isinstance(password, Secret), "also a function keeps it secret"
    stack.destroy()


def test_what_the_local_cloud_lacks_is_reported_in_its_words(tenant: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="501 not_implemented"):
        tenant.make("Domain", {"name": "example.com"})
