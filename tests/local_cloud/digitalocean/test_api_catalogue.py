"""Account, regions, sizes, images, keys, tags and projects through pydo."""

import base64
import hashlib
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from recording_hypervisor import RecordingHypervisor
from running_cloud import RunningCloud, eventually

DROPLET = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def public_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " someone@somewhere"


def test_the_account_tells_its_limits(client: Any) -> None:
    account = client.account.get()["account"]
    assert (account["status"], account["droplet_limit"]) == ("active", 100)
    assert account["email"].endswith("@local-cloud.invalid"), "nobody's address"


def test_sizes_are_digitalocean_s_with_their_prices(client: Any) -> None:
    sizes = {size["slug"]: size for size in client.sizes.list(per_page=200)["sizes"]}
    one = sizes["s-1vcpu-1gb"]
    assert (one["memory"], one["vcpus"], one["disk"], one["transfer"]) == (1024, 1, 25, 1.0)
    assert (one["price_monthly"], one["price_hourly"]) == (6.0, 0.00893)
    assert sizes["s-1vcpu-512mb-10gb"]["regions"] == ["ams3", "fra1", "nyc1", "sfo3", "sgp1", "syd1"]
    assert {"c-2", "g-2vcpu-8gb", "gd-2vcpu-8gb", "m-2vcpu-16gb", "so-2vcpu-16gb"} <= set(sizes)


def test_regions_name_what_they_have(client: Any) -> None:
    regions = {region["slug"]: region for region in client.regions.list(per_page=50)["regions"]}
    assert regions["nyc3"]["available"]
    assert "s-1vcpu-1gb" in regions["nyc3"]["sizes"]
    assert not regions["sfo1"]["available"], "it is closed to new things"


def test_images_are_found_by_slug_and_id(client: Any, http: httpx.Client) -> None:
    image = client.images.get("debian-12-x64")["image"]
    assert client.images.get(image["id"])["image"] == image
    assert image["distribution"] == "Debian"
    assert http.get("/v2/images/debian-99-x64").status_code == 404
    assert client.images.list(type="distribution")["meta"]["total"] > 10
    assert client.images.list(private=True)["images"] == []


def test_a_key_is_found_by_id_and_by_its_md5_fingerprint(client: Any, http: httpx.Client) -> None:
    text = public_key()
    key = client.ssh_keys.create({"name": "mine", "public_key": text})["ssh_key"]
    digest = hashlib.md5(base64.b64decode(text.split()[1]), usedforsecurity=False).hexdigest()
    assert key["fingerprint"].replace(":", "") == digest
    assert (
        client.ssh_keys.get(key["id"])["ssh_key"] == client.ssh_keys.get(key["fingerprint"])["ssh_key"] == key
    )
    again = http.post("/v2/account/keys", json={"name": "again", "public_key": text})
    assert (again.status_code, again.json()["message"]) == (422, "SSH Key is already in use on your account")
    assert client.ssh_keys.update(key["fingerprint"], {"name": "ours"})["ssh_key"]["name"] == "ours"
    assert client.ssh_keys.list()["meta"]["total"] == 1
    client.ssh_keys.delete(key["id"])
    assert http.get(f"/v2/account/keys/{key['id']}").status_code == 404


@pytest.mark.parametrize("text", ["", "ssh-rsa", "ssh-rsa !!!", "ssh-dss AAAA", "ssh-ed25519 AAAA"])
def test_what_is_no_public_key_is_refused(http: httpx.Client, text: str) -> None:
    answer = http.post("/v2/account/keys", json={"name": "k", "public_key": text})
    assert (answer.status_code, answer.json()["message"][:11]) == (422, "Key invalid")


def test_a_droplet_s_keys_reach_its_machine(client: Any, hypervisor: RecordingHypervisor) -> None:
    keys = [client.ssh_keys.create({"name": name, "public_key": public_key()})["ssh_key"] for name in "ab"]
    order = {**DROPLET, "ssh_keys": [keys[0]["id"], keys[1]["fingerprint"]]}
    droplet_id = client.droplets.create(order)["droplet"]["id"]
    eventually(lambda: droplet_id in hypervisor.running, bool)
    assert list(hypervisor.machines[droplet_id].ssh_keys) == [key["public_key"] for key in keys]


def test_a_tag_counts_what_carries_it(client: Any, cloud: RunningCloud) -> None:
    client.tags.create({"name": "Tier"})
    assert client.tags.create({"name": "tier"})["tag"]["name"] == "Tier", "the first spelling stays"
    droplet_id = client.droplets.create({**DROPLET, "tags": ["tier"]})["droplet"]["id"]
    volume_id = client.volumes.create(
        {"name": "data", "region": "nyc3", "size_gigabytes": 1, "tags": ["tier"]}
    )["volume"]["id"]
    resources = client.tags.get("tier")["tag"]["resources"]
    assert (resources["count"], resources["droplets"]["count"], resources["volumes"]["count"]) == (2, 1, 1)
    assert resources["last_tagged_uri"] == f"{cloud.url}/v2/volumes/{volume_id}"
    client.tags.unassign_resources(
        "Tier", {"resources": [{"resource_id": volume_id, "resource_type": "volume"}]}
    )
    assert client.tags.list()["tags"][0]["resources"]["count"] == 1
    client.tags.delete("Tier")
    assert client.droplets.get(droplet_id)["droplet"]["tags"] == []


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ({"resource_id": "1", "resource_type": "droplet"}, 404),
        ({"resource_id": "x", "resource_type": "droplet"}, 404),
        ({"resource_id": "x", "resource_type": "volume"}, 404),
        ({"resource_id": "1", "resource_type": "image"}, 404),
        ({"resource_id": "1", "resource_type": "vpc"}, 422),
    ],
)
def test_what_isn_t_there_can_t_be_tagged(http: httpx.Client, resource: dict[str, Any], status: int) -> None:
    http.post("/v2/tags", json={"name": "t"})
    assert http.post("/v2/tags/t/resources", json={"resources": [resource]}).status_code == status


def test_a_project_takes_droplets_volumes_and_databases(client: Any) -> None:
    default = client.projects.get_default()["project"]
    droplet_id = client.droplets.create(DROPLET)["droplet"]["id"]
    volume_id = client.volumes.create({"name": "d", "region": "nyc3", "size_gigabytes": 1})["volume"]["id"]
    project = client.projects.create({"name": "acme", "purpose": "Agents", "environment": "Production"})[
        "project"
    ]
    assert project["purpose"] == "Other: Agents", "as DigitalOcean stores a purpose of one's own"
    cluster = client.databases.create_cluster(
        {
            "name": "store",
            "engine": "pg",
            "size": "db-s-1vcpu-1gb",
            "region": "nyc3",
            "num_nodes": 1,
            "project_id": project["id"],
        }
    )["database"]
    assert cluster["project_id"] == project["id"]
    urns = [f"do:droplet:{droplet_id}", f"do:volume:{volume_id}"]
    held = [one["urn"] for one in client.projects.list_resources_default()["resources"]]
    assert sorted(held) == sorted(urns), "what is made without a project is in the default one"
    assigned = client.projects.assign_resources(project["id"], {"resources": urns})["resources"]
    assert [one["status"] for one in assigned] == ["assigned", "assigned"]
    again = client.projects.assign_resources(project["id"], {"resources": [*urns, "do:droplet:1"]})[
        "resources"
    ]
    assert [one["status"] for one in again] == ["already_assigned", "already_assigned", "not_found"]
    held = [one["urn"] for one in client.projects.list_resources(project["id"])["resources"]]
    assert sorted(held) == sorted([*urns, f"do:dbaas:{cluster['id']}"]), "each resource is in one project"
    assert client.projects.list_resources_default()["resources"] == []
    assert client.projects.list()["projects"][0]["id"] == default["id"]


def test_a_project_takes_no_vpc(client: Any, http: httpx.Client) -> None:
    vpc = client.vpcs.create({"name": "net", "region": "nyc3"})["vpc"]
    answer = http.post("/v2/projects/default/resources", json={"resources": [vpc["urn"]]})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("resource types must be one of the following: ")


def test_a_project_with_resources_and_the_default_one_stay(client: Any, http: httpx.Client) -> None:
    project = client.projects.create({"name": "acme", "purpose": "IoT"})["project"]
    volume_id = client.volumes.create({"name": "d", "region": "nyc3", "size_gigabytes": 1})["volume"]["id"]
    client.projects.assign_resources(project["id"], {"resources": [f"do:volume:{volume_id}"]})
    assert http.delete(f"/v2/projects/{project['id']}").status_code == 412
    assert http.delete("/v2/projects/default").status_code == 412
    client.volumes.delete(volume_id)
    assert http.delete(f"/v2/projects/{project['id']}").status_code == 204


def test_a_project_is_changed_in_whole_and_in_part(client: Any, http: httpx.Client) -> None:
    project = client.projects.create({"name": "acme", "purpose": "IoT"})["project"]
    patched = client.projects.patch(project["id"], {"environment": "Staging", "is_default": True})["project"]
    assert (patched["environment"], patched["is_default"], patched["purpose"]) == ("Staging", True, "IoT")
    assert client.projects.get_default()["project"]["id"] == project["id"], "there is one default project"
    incomplete = http.put(f"/v2/projects/{project['id']}", json={"name": "acme2"})
    assert incomplete.status_code == 422, "a PUT is of the whole"
    whole = {"name": "b", "purpose": "IoT", "description": "", "environment": "", "is_default": True}
    assert client.projects.update_default(whole)["project"]["name"] == "b"
    assert client.projects.patch_default({"description": "x"})["project"]["description"] == "x"
    taken = http.post("/v2/projects", json={"name": "b", "purpose": "IoT"})
    assert taken.status_code == 409
    bad = http.post("/v2/projects", json={"name": "c", "purpose": "IoT", "environment": "Prod"})
    assert bad.status_code == 422, "Development, Staging or Production"
