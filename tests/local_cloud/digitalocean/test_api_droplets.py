"""Droplets through pydo: made, acted upon, deleted, with the real machine behind each step."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

ORDER = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def active(client: Any, droplet_id: int) -> dict[str, Any]:
    found = eventually(
        lambda: client.droplets.get(droplet_id)["droplet"],
        lambda droplet: droplet["status"] == "active" and not droplet["locked"],
    )
    return dict(found)


def act(client: Any, droplet_id: int, kind: str, **params: Any) -> dict[str, Any]:
    action = client.droplet_actions.post(droplet_id, {"type": kind, **params})["action"]
    assert action["status"] == "in-progress", "an action completes later, not in its own answer"
    over = eventually(
        lambda: client.droplet_actions.get(droplet_id, action["id"])["action"],
        lambda one: one["status"] != "in-progress",
    )
    return dict(over)


def test_a_droplet_is_new_at_first_and_active_once_its_machine_runs(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    hypervisor.boots.clear()
    answer = client.droplets.create(ORDER)
    droplet = answer["droplet"]
    assert droplet["status"] == "new", "nothing has booted yet"
    assert droplet["locked"], "an action is in progress"
    assert droplet["networks"] == {"v4": [], "v6": []}, "addresses show from the first boot on"
    hypervisor.boots.set()
    droplet = active(client, droplet["id"])
    kinds = {network["type"] for network in droplet["networks"]["v4"]}
    assert kinds == {"public", "private"}, "a droplet has both unless it asks for no public one"
    action = client.actions.get(answer["links"]["actions"][0]["id"])["action"]
    assert (action["type"], action["status"]) == ("create", "completed")
    assert hypervisor.machines[droplet["id"]].memory_mib == 1024


def test_a_machine_gets_what_its_droplet_was_made_with(client: Any, hypervisor: RecordingHypervisor) -> None:
    vpc = client.vpcs.create({"name": "net", "region": "nyc3", "ip_range": "10.9.0.0/24"})["vpc"]
    droplet = client.droplets.create(
        {
            **ORDER,
            "vpc_uuid": vpc["id"],
            "public_networking": False,
            "user_data": "#cloud-config\n{}",
            "tags": ["a", "b"],
        }
    )["droplet"]
    shown = active(client, droplet["id"])
    machine = hypervisor.machines[droplet["id"]]
    assert [str(one.address) for one in machine.interfaces] == ["10.9.0.2/24"], (
        "the first address after the gateway"
    )
    assert machine.user_data == "#cloud-config\n{}"
    assert machine.metadata["tags"] == ["a", "b"]
    assert machine.metadata["interfaces"]["private"][0]["mac"] == machine.interfaces[0].mac
    assert "#cloud-config" not in repr(machine), "user data may hold secrets"
    assert [one["type"] for one in shown["networks"]["v4"]] == ["private"]
    assert shown["tags"] == ["a", "b"]


def test_several_names_make_several_droplets(client: Any) -> None:
    order = {key: value for key, value in ORDER.items() if key != "name"}
    answer = client.droplets.create({**order, "names": ["a", "b", "c"]})
    assert [droplet["name"] for droplet in answer["droplets"]] == ["a", "b", "c"]
    assert len(answer["links"]["actions"]) == 3, "each has its own action"
    for droplet in answer["droplets"]:
        active(client, droplet["id"])
    assert [one["name"] for one in client.droplets.list(name="B")["droplets"]] == ["b"], (
        "names match without case"
    )


@pytest.mark.parametrize(
    ("kind", "deeds", "status"),
    [
        ("power_off", ["kill"], "off"),
        ("shutdown", ["shutdown"], "off"),
        ("reboot", ["shutdown", "start_machine"], "active"),
        ("power_cycle", ["kill", "start_machine"], "active"),
        ("rebuild", ["rebuild_machine"], "active"),
    ],
)
def test_a_power_action_is_done_to_the_machine(
    client: Any, hypervisor: RecordingHypervisor, kind: str, deeds: list[str], status: str
) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    active(client, droplet_id)
    hypervisor.deeds.clear()
    params = {"image": "debian-12-x64"} if kind == "rebuild" else {}
    assert act(client, droplet_id, kind, **params)["status"] == "completed"
    assert [deed for deed, _ in hypervisor.deeds if deed != "apply_policies"] == deeds
    assert client.droplets.get(droplet_id)["droplet"]["status"] == status


def test_a_droplet_that_powered_itself_off_is_shown_off_and_can_be_powered_on(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    active(client, droplet_id)
    hypervisor.running.discard(droplet_id)
    assert client.droplets.get(droplet_id)["droplet"]["status"] == "off"
    act(client, droplet_id, "power_on")
    assert client.droplets.get(droplet_id)["droplet"]["status"] == "active"


def test_a_resize_needs_the_droplet_off_and_never_shrinks_its_disk(client: Any) -> None:
    droplet_id = client.droplets.create({**ORDER, "size": "s-1vcpu-2gb"})["droplet"]["id"]
    active(client, droplet_id)
    with pytest.raises(HttpResponseError, match="Please power it off"):
        client.droplet_actions.post(droplet_id, {"type": "resize", "size": "s-2vcpu-2gb"})
    act(client, droplet_id, "power_off")
    with pytest.raises(HttpResponseError, match="smaller disk"):
        client.droplet_actions.post(droplet_id, {"type": "resize", "size": "s-1vcpu-1gb"})
    act(client, droplet_id, "resize", size="s-2vcpu-2gb")
    droplet = client.droplets.get(droplet_id)["droplet"]
    assert (droplet["size_slug"], droplet["disk"]) == ("s-2vcpu-2gb", 50), "the disk grows only when asked to"
    act(client, droplet_id, "resize", size="s-2vcpu-4gb", disk=True)
    assert client.droplets.get(droplet_id)["droplet"]["disk"] == 80


def test_a_rename_changes_the_name(client: Any) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    active(client, droplet_id)
    act(client, droplet_id, "rename", name="web-2")
    assert client.droplets.get(droplet_id)["droplet"]["name"] == "web-2"


def test_a_second_action_waits_its_turn(client: Any, hypervisor: RecordingHypervisor) -> None:
    hypervisor.boots.clear()
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    with pytest.raises(HttpResponseError, match="pending event"):
        client.droplet_actions.post(droplet_id, {"type": "power_off"})
    hypervisor.boots.set()
    active(client, droplet_id)


def test_a_deleted_droplet_is_gone_when_the_answer_comes(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    active(client, droplet_id)
    client.droplets.destroy(droplet_id)
    assert droplet_id not in hypervisor.machines, "204 says that it is done"
    gone = client.droplets.get(droplet_id)
    assert gone["id"] == "not_found", "pydo hands a 404 back as a body"


def test_a_droplet_can_be_deleted_while_it_is_created(client: Any, hypervisor: RecordingHypervisor) -> None:
    hypervisor.boots.clear()
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    threading.Timer(0.1, hypervisor.boots.set).start()
    client.droplets.destroy(droplet_id)
    assert not hypervisor.machines, "the deletion comes after the boot, not before it"


def test_droplets_are_found_acted_upon_and_deleted_by_tag(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    for name in ("a", "b"):
        droplet = client.droplets.create({**ORDER, "name": name, "tags": ["Tier"]})["droplet"]
        active(client, droplet["id"])
    other = client.droplets.create({**ORDER, "name": "other"})["droplet"]["id"]
    active(client, other)
    assert len(client.droplets.list(tag_name="tier")["droplets"]) == 2, "tags match without case"
    actions = client.droplet_actions.post_by_tag({"type": "power_off"}, tag_name="Tier")["actions"]
    for action in actions:
        eventually(
            lambda number=action["id"]: client.actions.get(number)["action"]["status"],
            lambda status: status == "completed",
        )
    assert hypervisor.running == {other}
    client.droplets.destroy_by_tag(tag_name="Tier")
    assert [one["id"] for one in client.droplets.list()["droplets"]] == [other]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"image": "debian-99-x64"}, 422, "You specified an invalid image for Droplet creation."),
        ({"image": "ubuntu-24-04-x64"}, 422, "this local cloud has no machine for it: use debian-12-x64"),
        ({"size": "s-1vcpu-3gb"}, 422, "You specified an invalid size for Droplet creation."),
        ({"size": "s-1vcpu-512mb-10gb"}, 422, "Size is not available in this region."),
        ({"region": "mars1"}, 422, "You specified an invalid region for Droplet creation."),
        ({"name": "not_a_host"}, 422, "Only valid hostname characters are allowed"),
        ({"ssh_keys": [12345]}, 422, "12345 are invalid key identifiers"),
        ({"vpc_uuid": "nowhere"}, 422, "VPC nowhere was not found"),
        ({"user_data": "x" * 65_537}, 422, "65537 bytes"),
        ({"names": ["a"]}, 422, "give name for one Droplet"),
        ({"ipv6": True}, 501, "IPv6 for Droplets"),
        ({"backups": True}, 501, "Droplet backups"),
        ({"tags": ["no spaces"]}, 422, "Tag 'no spaces' is invalid"),
    ],
)
def test_a_bad_order_is_refused_in_words_and_nothing_is_made(
    http: httpx.Client, hypervisor: RecordingHypervisor, change: dict[str, Any], status: int, message: str
) -> None:
    answer = http.post("/v2/droplets", json={**ORDER, **change})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text
    assert http.get("/v2/droplets").json()["meta"]["total"] == 0
    assert not hypervisor.did("create_machine")


def test_the_droplet_limit_is_kept_for_all_that_one_call_asks_for(cloud: RunningCloud) -> None:
    http = cloud.http(cloud.account("small", droplet_limit=2))
    order = {key: value for key, value in ORDER.items() if key != "name"}
    answer = http.post("/v2/droplets", json={**order, "names": ["a", "b", "c"]})
    assert (answer.status_code, answer.json()["id"]) == (422, "unprocessable_entity")
    assert answer.json()["message"] == "creating this/these droplet(s) will exceed your droplet limit"
    assert http.post("/v2/droplets", json={**order, "names": ["a", "b"]}).status_code == 202


def test_a_boot_that_fails_makes_the_action_errored(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    hypervisor.failing.add("create_machine")
    answer = client.droplets.create(ORDER)
    action = eventually(
        lambda: client.actions.get(answer["links"]["actions"][0]["id"])["action"],
        lambda one: one["status"] != "in-progress",
    )
    assert action["status"] == "errored"
    errors = http.get("/_local/status").json()["errors"]
    assert "was told to fail" in errors[0]["error"], "the operator learns why"
    client.droplets.destroy(answer["droplet"]["id"])


def test_a_machine_that_can_t_be_deleted_shows_again(
    client: Any, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    active(client, droplet_id)
    hypervisor.failing.add("delete_machine")
    answer = http.delete(f"/v2/droplets/{droplet_id}")
    assert (answer.status_code, answer.json()["id"]) == (500, "server_error")
    assert http.get(f"/v2/droplets/{droplet_id}").status_code == 200, "it is still there, and says so"


def test_droplets_that_are_made_at_the_same_time_share_nothing(
    cloud: RunningCloud, http: httpx.Client, hypervisor: RecordingHypervisor
) -> None:
    def make(number: int) -> int:
        order = {**ORDER, "name": f"web-{number}"}
        answer = httpx.post(f"{cloud.url}/v2/droplets", json=order, headers=http.headers, timeout=30)
        assert answer.status_code == 202, answer.text
        droplet_id: int = answer.json()["droplet"]["id"]
        return droplet_id

    with ThreadPoolExecutor(12) as pool:
        made = set(pool.map(make, range(24)))
    assert len(made) == 24, "each has an id of its own"
    eventually(lambda: hypervisor.running, lambda running: running == made)
    cards = [one for machine in hypervisor.machines.values() for one in machine.interfaces]
    assert len({one.address for one in cards}) == len({one.mac for one in cards}) == 48
    assert len({droplet["vpc_uuid"] for droplet in http.get("/v2/droplets").json()["droplets"]}) == 1


@pytest.mark.parametrize("kind", ["snapshot", "enable_ipv6", "restore", "password_reset"])
def test_an_action_that_is_absent_says_so(client: Any, http: httpx.Client, kind: str) -> None:
    droplet_id = client.droplets.create(ORDER)["droplet"]["id"]
    answer = http.post(f"/v2/droplets/{droplet_id}/actions", json={"type": kind})
    assert (answer.status_code, answer.json()["id"]) == (501, "not_implemented")
    assert kind in answer.json()["message"]
    active(client, droplet_id)
