"""Volumes through pydo."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from recording_hypervisor import RecordingHypervisor
from running_cloud import eventually

VOLUME = {"name": "data", "region": "nyc3", "size_gigabytes": 5, "filesystem_type": "ext4"}
DROPLET = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def running_droplet(client: Any, **options: Any) -> int:
    droplet_id: int = client.droplets.create({**DROPLET, **options})["droplet"]["id"]
    eventually(lambda: client.droplets.get(droplet_id)["droplet"]["locked"], lambda locked: not locked)
    return droplet_id


def act(client: Any, volume_id: str, **body: Any) -> None:
    action = client.volume_actions.post_by_id(volume_id, body)["action"]
    eventually(
        lambda: client.volume_actions.get(volume_id, action["id"])["action"]["status"],
        lambda status: status == "completed",
    )


def test_a_volume_is_made_attached_detached_and_deleted(client: Any, hypervisor: RecordingHypervisor) -> None:
    volume_id = client.volumes.create({**VOLUME, "tags": ["keep"], "filesystem_label": "data"})["volume"][
        "id"
    ]
    assert hypervisor.volumes[volume_id].filesystem == "ext4"
    droplet_id = running_droplet(client)
    act(client, volume_id, type="attach", droplet_id=droplet_id, region="nyc3")
    assert hypervisor.attached == {volume_id: droplet_id}
    volume = client.volumes.get(volume_id)["volume"]
    assert (volume["droplet_ids"], volume["tags"]) == ([droplet_id], ["keep"])
    assert client.droplets.get(droplet_id)["droplet"]["volume_ids"] == [volume_id]
    with pytest.raises(HttpResponseError, match="detach it first"):
        client.volumes.delete(volume_id)
    act(client, volume_id, type="detach", droplet_id=droplet_id)
    assert not hypervisor.attached
    kinds = [one["type"] for one in client.volume_actions.list(volume_id)["actions"]]
    assert kinds == ["detach_volume", "attach_volume"], "newest first"
    client.volumes.delete(volume_id)
    assert not hypervisor.volumes


def test_a_volume_can_be_named_instead_of_its_id(client: Any, hypervisor: RecordingHypervisor) -> None:
    client.volumes.create(VOLUME)
    droplet_id = running_droplet(client)
    body = {"type": "attach", "volume_name": "data", "region": "nyc3", "droplet_id": droplet_id}
    action = client.volume_actions.post(body)["action"]
    eventually(lambda: client.actions.get(action["id"])["action"]["status"], lambda one: one == "completed")
    assert list(hypervisor.attached.values()) == [droplet_id]
    client.droplets.destroy(droplet_id)
    assert client.volumes.list(name="data", region="nyc3")["volumes"][0]["droplet_ids"] == []
    client.volumes.delete_by_name(name="data", region="nyc3")
    assert not hypervisor.volumes


def test_a_volume_only_grows(client: Any, http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    volume_id = client.volumes.create(VOLUME)["volume"]["id"]
    answer = http.post(f"/v2/volumes/{volume_id}/actions", json={"type": "resize", "size_gigabytes": 5})
    assert (answer.status_code, "can only grow" in answer.json()["message"]) == (422, True)
    act(client, volume_id, type="resize", size_gigabytes=9)
    assert hypervisor.did("resize_volume") == [(volume_id, 9)]
    assert client.volumes.get(volume_id)["volume"]["size_gigabytes"] == 9


def test_a_droplet_is_made_with_its_volumes_and_keeps_them_through_a_rebuild(
    client: Any, hypervisor: RecordingHypervisor
) -> None:
    volume_id = client.volumes.create(VOLUME)["volume"]["id"]
    droplet_id = running_droplet(client, volumes=[volume_id])
    assert hypervisor.attached == {volume_id: droplet_id}
    hypervisor.attached.clear()
    action = client.droplet_actions.post(droplet_id, {"type": "rebuild", "image": "debian-12-x64"})["action"]
    eventually(lambda: client.actions.get(action["id"])["action"]["status"], lambda one: one == "completed")
    assert hypervisor.attached == {volume_id: droplet_id}, (
        "the rebuilt machine has them from its first boot on"
    )


def test_a_deleted_droplet_leaves_its_volumes(client: Any, hypervisor: RecordingHypervisor) -> None:
    volume_id = client.volumes.create(VOLUME)["volume"]["id"]
    droplet_id = running_droplet(client, volumes=[volume_id])
    client.droplets.destroy(droplet_id)
    assert volume_id in hypervisor.volumes
    assert not hypervisor.attached
    assert client.volumes.get(volume_id)["volume"]["droplet_ids"] == []


def test_a_volume_that_can_t_be_made_is_not_kept(http: httpx.Client, hypervisor: RecordingHypervisor) -> None:
    hypervisor.failing.add("create_volume")
    assert http.post("/v2/volumes", json={**VOLUME, "tags": ["t"]}).status_code == 500
    assert http.get("/v2/volumes").json()["volumes"] == []
    assert http.get("/v2/tags/t").json()["tag"]["resources"]["count"] == 0


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"name": "Data"}, 422, "name: String should match pattern"),
        ({"size_gigabytes": 0}, 422, "size_gigabytes"),
        ({"size_gigabytes": 16_385}, 422, "size_gigabytes"),
        ({"filesystem_type": "btrfs"}, 422, "filesystem_type"),
        ({"region": "mars1"}, 422, "invalid region"),
        ({"snapshot_id": "x"}, 501, "volume snapshots"),
        ({"name": "taken"}, 409, "a volume named taken already exists in nyc3"),
    ],
)
def test_a_bad_volume_is_refused_in_words(
    http: httpx.Client, change: dict[str, Any], status: int, message: str
) -> None:
    assert http.post("/v2/volumes", json={**VOLUME, "name": "taken"}).status_code == 201
    answer = http.post("/v2/volumes", json={**VOLUME, **change})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"type": "attach"}, "droplet_id is required"),
        ({"type": "resize"}, "size_gigabytes is required"),
        ({"type": "detach", "droplet_id": 1}, "is not attached"),
        ({"type": "format"}, "type: Input should be"),
    ],
)
def test_a_bad_volume_action_is_refused_in_words(
    http: httpx.Client, body: dict[str, Any], message: str
) -> None:
    volume_id = http.post("/v2/volumes", json=VOLUME).json()["volume"]["id"]
    answer = http.post(f"/v2/volumes/{volume_id}/actions", json=body)
    assert (answer.status_code, message in answer.json()["message"]) == (422, True), answer.text
