"""VPCs and VPC NAT gateways through pydo."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

DROPLET = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def make_vpc(client: Any, name: str = "net", ip_range: str | None = "10.20.0.0/24") -> dict[str, Any]:
    vpc = client.vpcs.create({"name": name, "region": "nyc3", "ip_range": ip_range})["vpc"]
    return dict(vpc)


def make_gateway(client: Any, vpc_id: str, **changes: Any) -> dict[str, Any]:
    order = {
        "name": "egress",
        "type": "PUBLIC",
        "region": "nyc3",
        "size": 1,
        "vpcs": [{"vpc_uuid": vpc_id, "default_gateway": True}],
    }
    gateway = client.vpcnatgateways.create({**order, **changes})["vpc_nat_gateway"]
    return dict(gateway)


def test_a_vpc_is_a_real_network_from_its_answer_on(client: Any, hypervisor: RecordingHypervisor) -> None:
    vpc = make_vpc(client)
    assert str(hypervisor.vpcs[vpc["id"]].ip_range) == "10.20.0.0/24"
    assert vpc["urn"] == f"do:vpc:{vpc['id']}"
    assert not vpc["default"], "what a stack makes it can also destroy, and a default VPC can't be deleted"
    client.vpcs.delete(vpc["id"])
    assert not hypervisor.vpcs


def test_a_vpc_can_be_changed_in_whole_and_in_part(client: Any) -> None:
    vpc_id = make_vpc(client)["id"]
    client.vpcs.update(vpc_id, {"name": "renamed", "description": "of a tenant"})
    vpc = client.vpcs.patch(vpc_id, {"default": True})["vpc"]
    assert (vpc["name"], vpc["description"], vpc["default"]) == ("renamed", "of a tenant", True)
    with pytest.raises(HttpResponseError) as caught:
        client.vpcs.delete(vpc_id)
    assert caught.value.status_code == 403, "the default VPC of a region can't be deleted"


def test_vpcs_without_a_range_get_twenties_that_don_t_overlap(client: Any) -> None:
    ranges = {make_vpc(client, f"net-{number}", None)["ip_range"] for number in range(3)}
    assert ranges == {"10.96.0.0/20", "10.96.16.0/20", "10.96.32.0/20"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"ip_range": "10.20.0.128/25"},
            "This range/size overlaps with another VPC network in your account: net ",
        ),
        ({"name": "net"}, "a VPC with the same name already exists in your account"),
        ({"ip_range": "10.0.0.0/15"}, "no larger than /16"),
        ({"ip_range": "10.30.0.0/29"}, "no smaller than /28"),
        ({"ip_range": "8.8.0.0/16"}, "RFC1918"),
        ({"ip_range": "10.30.0.1/24"}, "host bits set"),
        ({"name": "under_score"}, "name: String should match pattern"),
        ({"region": "mars1"}, "You specified an invalid region"),
        ({"description": "x" * 256}, "description: String should have at most 255"),
    ],
)
def test_a_bad_vpc_is_refused_in_words(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor, change: dict[str, Any], message: str
) -> None:
    make_vpc(client)
    order = {"name": "other", "region": "nyc3", "ip_range": "10.40.0.0/24"}
    answer = http.post("/v2/vpcs", json={**order, **change})
    assert (answer.status_code, message in answer.json()["message"]) == (422, True), answer.text
    assert len(hypervisor.vpcs) == 1, "nothing real was made"


def test_a_vpc_with_members_lists_them_and_isn_t_deleted(client: Any, http: httpx.Client) -> None:
    vpc_id = make_vpc(client)["id"]
    droplet = client.droplets.create({**DROPLET, "vpc_uuid": vpc_id})["droplet"]
    gateway = make_gateway(client, vpc_id)
    members = client.vpcs.list_members(vpc_id)["members"]
    assert {member["urn"] for member in members} == {
        f"do:droplet:{droplet['id']}",
        f"do:vpc_nat_gateway:{gateway['id']}",
    }
    assert len(client.vpcs.list_members(vpc_id, resource_type="droplet")["members"]) == 1
    answer = http.delete(f"/v2/vpcs/{vpc_id}")
    assert (answer.status_code, answer.json()["message"]) == (409, "Can not delete VPC with members")
    client.droplets.destroy(droplet["id"])
    client.vpcnatgateways.delete(gateway["id"])
    assert http.delete(f"/v2/vpcs/{vpc_id}").status_code == 204, "what was deleted is no member any more"


def test_what_comes_without_a_vpc_goes_to_the_default_one_of_its_region(client: Any) -> None:
    assert client.vpcs.list()["vpcs"] == [], "it isn't made before its first use"
    first = client.droplets.create(DROPLET)["droplet"]["vpc_uuid"]
    second = client.droplets.create({**DROPLET, "name": "web-2"})["droplet"]["vpc_uuid"]
    vpc = client.vpcs.get(first)["vpc"]
    assert first == second, "it is made once"
    assert (vpc["name"], vpc["default"]) == ("default-nyc3", True)


def test_a_full_vpc_takes_no_more(client: Any) -> None:
    vpc_id = make_vpc(client, ip_range="10.20.0.0/28")["id"]
    order = {key: value for key, value in DROPLET.items() if key != "name"}
    for batch in (range(10), range(10, 13)):
        names = [f"d{number}" for number in batch]
        client.droplets.create({**order, "names": names, "vpc_uuid": vpc_id})
    with pytest.raises(HttpResponseError, match="has no free address"):
        client.droplets.create({**DROPLET, "vpc_uuid": vpc_id})


def test_a_nat_gateway_is_active_once_it_is_real(client: Any, hypervisor: RecordingHypervisor) -> None:
    vpc_id = make_vpc(client)["id"]
    gateway = make_gateway(client, vpc_id)
    assert gateway["state"] in {"NEW", "ACTIVE"}
    shown = eventually(
        lambda: client.vpcnatgateways.get(gateway["id"])["vpc_nat_gateway"],
        lambda one: one["state"] == "ACTIVE",
    )
    address = shown["egresses"]["public_gateways"][0]["ipv4"]
    assert str(hypervisor.gateways[gateway["id"]].public_address) == address
    assert shown["vpcs"][0]["default_gateway"] is True
    assert client.vpcnatgateways.list(state="active")["meta"]["total"] == 1
    client.vpcnatgateways.delete(gateway["id"])
    assert not hypervisor.gateways


def test_only_a_default_gateway_carries_a_vpc_s_traffic(client: Any, hypervisor: RecordingHypervisor) -> None:
    vpc_id = make_vpc(client)["id"]
    gateway = make_gateway(client, vpc_id, vpcs=[{"vpc_uuid": vpc_id}])
    eventually(
        lambda: client.vpcnatgateways.get(gateway["id"])["vpc_nat_gateway"]["state"],
        lambda state: state == "ACTIVE",
    )
    assert not hypervisor.gateways
    change = {"name": "egress", "size": 2, "vpcs": [{"vpc_uuid": vpc_id, "default_gateway": True}]}
    client.vpcnatgateways.update(gateway["id"], change)
    eventually(lambda: set(hypervisor.gateways), lambda gateways: gateways == {gateway["id"]})
    with pytest.raises(HttpResponseError, match="has a default gateway already"):
        make_gateway(client, vpc_id, name="second")


def test_a_nat_gateway_that_can_t_be_made_says_error(client: Any, hypervisor: RecordingHypervisor) -> None:
    hypervisor.failing.add("create_nat_gateway")
    gateway = make_gateway(client, make_vpc(client)["id"])
    eventually(
        lambda: client.vpcnatgateways.get(gateway["id"])["vpc_nat_gateway"]["state"],
        lambda state: state == "ERROR",
    )


def test_a_vpc_that_can_t_be_made_is_not_kept(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    hypervisor.failing.add("create_vpc")
    answer = http.post("/v2/vpcs", json={"name": "net", "region": "nyc3"})
    assert (answer.status_code, answer.json()["id"]) == (500, "server_error")
    assert http.get("/v2/vpcs").json()["vpcs"] == []


def test_ranges_of_different_accounts_may_coincide(cloud: RunningCloud, client: Any) -> None:
    other = cloud.pydo(cloud.account("other"))
    ranges = {make_vpc(client)["ip_range"], make_vpc(other)["ip_range"]}
    assert ranges == {"10.20.0.0/24"}
