"""A new process on the same state: every real thing comes back, and what was begun is ended."""

import stat
from collections.abc import Callable
from typing import Any

import pytest
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

Start = Callable[..., RunningCloud]

DROPLET = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
SSH = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["192.0.2.0/24"]}}


def settled(cloud: RunningCloud) -> None:
    eventually(
        lambda: cloud.http().get("/_local/status").json(),
        lambda status: status["restoring"] == 0 and status["unfinished_actions"] == 0,
    )


def furnish(cloud: RunningCloud) -> dict[str, Any]:
    """One of everything, all of it ready."""
    client = cloud.pydo()
    vpc_id = client.vpcs.create({"name": "net", "region": "nyc3", "ip_range": "10.9.0.0/24"})["vpc"]["id"]
    client.vpcnatgateways.create(
        {
            "name": "egress",
            "type": "PUBLIC",
            "region": "nyc3",
            "size": 1,
            "vpcs": [{"vpc_uuid": vpc_id, "default_gateway": True}],
        }
    )
    client.tags.create({"name": "tier"})
    client.firewalls.create({"name": "fw", "tags": ["tier"], "inbound_rules": [SSH]})
    volume_id = client.volumes.create({"name": "data", "region": "nyc3", "size_gigabytes": 1})["volume"]["id"]
    order = {**DROPLET, "vpc_uuid": vpc_id, "tags": ["tier"]}
    running = client.droplets.create({**order, "name": "running", "volumes": [volume_id]})["droplet"]["id"]
    stopped = client.droplets.create({**order, "name": "stopped"})["droplet"]["id"]
    client.databases.create_cluster(
        {
            "name": "store",
            "engine": "pg",
            "size": "db-s-1vcpu-1gb",
            "region": "nyc3",
            "num_nodes": 1,
            "private_network_uuid": vpc_id,
        }
    )
    settled(cloud)
    client.droplet_actions.post(stopped, {"type": "power_off"})
    settled(cloud)
    return {"running": running, "stopped": stopped, "volume": volume_id, "vpc": vpc_id}


def test_everything_real_comes_back_as_it_was(start_cloud: Start) -> None:
    first = start_cloud()
    made = furnish(first)
    before = first.hypervisor
    first.stop()
    after = RecordingHypervisor()
    second = start_cloud(hypervisor=after)
    settled(second)
    assert after.vpcs == before.vpcs
    assert after.gateways == before.gateways
    assert after.policies == before.policies
    assert after.names == before.names
    assert after.volumes == before.volumes
    assert after.clusters == before.clusters
    assert after.running == {made["running"]}, "what was off stays off"
    assert after.did("start_machine") == [made["running"]], "from its old disk, not a fresh one"
    assert after.machines[made["running"]] == before.machines[made["running"]]
    assert after.attached == {made["volume"]: made["running"]}
    shown = second.pydo().droplets.get(made["stopped"])["droplet"]
    assert (shown["status"], shown["locked"]) == ("off", False)


def test_a_crash_in_the_middle_of_a_boot_ends_with_a_booted_machine(start_cloud: Start) -> None:
    first = start_cloud()
    first.hypervisor.boots.clear()
    answer = first.pydo().droplets.create({**DROPLET, "name": "web-1"})
    # The first process hangs in the boot for good: as good as killed. The second has only the file.
    after = RecordingHypervisor()
    second = start_cloud(hypervisor=after)
    settled(second)
    client = second.pydo()
    assert after.did("create_machine") == [answer["droplet"]["id"]], (
        "its first boot was cut short: a fresh disk"
    )
    assert client.droplets.get(answer["droplet"]["id"])["droplet"]["status"] == "active"
    action = client.actions.get(answer["links"]["actions"][0]["id"])["action"]
    assert action["status"] == "completed"
    first.hypervisor.boots.set()


@pytest.mark.parametrize(
    ("kind", "status", "deeds"),
    [
        ("power_off", "off", ["kill"]),
        ("reboot", "active", ["shutdown", "start_machine"]),
        ("rebuild", "active", ["rebuild_machine"]),
    ],
)
def test_an_action_that_was_in_progress_is_taken_up_again(
    start_cloud: Start, kind: str, status: str, deeds: list[str]
) -> None:
    first = start_cloud()
    client = first.pydo()
    droplet_id = client.droplets.create({**DROPLET, "name": "web-1"})["droplet"]["id"]
    settled(first)
    first.http().put("/_local/transitions", json={f"droplet.{kind}": {"polls": 1000}})
    action = client.droplet_actions.post(droplet_id, {"type": kind})["action"]
    eventually(lambda: first.http().get("/_local/status").json()["waiting"], lambda waiting: waiting == 1)
    first.stop()
    after = RecordingHypervisor()
    second = start_cloud(hypervisor=after)
    settled(second)
    assert [
        deed for deed, _ in after.deeds if deed in {"kill", "shutdown", "start_machine", "rebuild_machine"}
    ] == deeds
    assert second.pydo().droplets.get(droplet_id)["droplet"]["status"] == status
    assert second.pydo().actions.get(action["id"])["action"]["status"] == "completed"


def test_a_deletion_that_was_in_progress_is_finished(start_cloud: Start) -> None:
    first = start_cloud()
    client = first.pydo()
    made = furnish(first)
    first.http().put("/_local/transitions", json={"droplet.delete": {"polls": 1000}})
    client.droplets.destroy(made["running"])
    first.stop()
    second = start_cloud(hypervisor=RecordingHypervisor())
    settled(second)
    assert second.hypervisor.did("delete_machine") == [made["running"]]
    members = second.pydo().vpcs.list_members(made["vpc"], resource_type="droplet")["members"]
    assert [member["name"] for member in members] == ["stopped"]
    assert second.pydo().volumes.get(made["volume"])["volume"]["droplet_ids"] == []


def test_a_machine_that_can_t_be_started_again_is_off_and_the_rest_comes_back(start_cloud: Start) -> None:
    first = start_cloud()
    made = furnish(first)
    first.stop()
    after = RecordingHypervisor()
    after.failing.add("start_machine")
    second = start_cloud(hypervisor=after)
    settled(second)
    assert second.pydo().droplets.get(made["running"])["droplet"]["status"] == "off"
    assert after.clusters
    after.failing.clear()
    second.pydo().droplet_actions.post(made["running"], {"type": "power_on"})
    settled(second)
    assert second.pydo().droplets.get(made["running"])["droplet"]["status"] == "active"


def test_accounts_tokens_and_ids_outlive_the_process(start_cloud: Start) -> None:
    first = start_cloud()
    token = first.account("other")
    droplet = {**DROPLET, "name": "web-1"}
    old = first.http(token).post("/v2/droplets", json=droplet).json()["droplet"]["id"]
    settled(first)
    first.stop()
    second = start_cloud(hypervisor=RecordingHypervisor())
    settled(second)
    assert second.http(token).get(f"/v2/droplets/{old}").status_code == 200
    new = second.http(token).post("/v2/droplets", json={**droplet, "name": "web-2"}).json()["droplet"]["id"]
    assert new > old, "an id is never handed out twice"
    settled(second)


def test_the_state_is_only_its_owner_s_to_read(start_cloud: Start) -> None:
    cloud = start_cloud()
    mode = stat.S_IMODE((cloud.folder / "cloud.db").stat().st_mode)
    assert mode == 0o600, "it holds the databases' passwords"
    assert cloud.token.encode() not in (cloud.folder / "cloud.db").read_bytes(), "tokens are kept as digests"
