"""What previews announce, how drift is found and healed, import, and what destroy leaves."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from platform_driver import Platform, small_spec

pytestmark = pytest.mark.end_to_end
TENANT = "initech"
AGENT = f"{TENANT}-agent-worker-1"


@pytest.fixture(scope="module")
def platform(account: Callable[..., Platform]) -> Iterator[Platform]:
    platform = account("changes")
    platform.write(TENANT, small_spec(TENANT, 1))
    platform.up(TENANT)
    yield platform
    platform.stacks("destroy", TENANT, "--remove")
    assert not platform.things(TENANT), "destroy leaves the account empty"
    assert not platform.api("GET", "/v2/droplets")["droplets"], "of everything"
    assert not platform.api("GET", "/v2/databases").get("databases"), "of everything"


@pytest.fixture(autouse=True)
def spec(platform: Platform) -> Iterator[None]:
    yield
    platform.write(TENANT, small_spec(TENANT, 1))


def _agents(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "worker", "kind": "langchain", "model": "openai/gpt-5", **changes}]


def test_a_change_of_an_agent_s_size_is_an_update(platform: Platform) -> None:
    platform.change(TENANT, agents=_agents(size="s-2vcpu-2gb"))
    assert platform.preview(TENANT).get(AGENT) == "update", "a droplet is resized, and keeps its disk"


def test_a_change_of_the_image_is_a_replacement(platform: Platform) -> None:
    platform.change(TENANT, image="debian-13-x64")
    announced = platform.preview(TENANT)
    assert announced.get(AGENT) == "replace", "a droplet's disk is made from its image"


def test_a_change_of_the_model_touches_no_host(platform: Platform) -> None:
    platform.change(TENANT, agents=_agents(model="openai/gpt-5-mini"))
    assert AGENT not in platform.preview(TENANT), "the release is what changes"


def test_a_droplet_deleted_behind_its_back_is_noticed_and_healed(platform: Platform) -> None:
    before = next(host for host in platform.inventory.hosts(TENANT) if host.name == AGENT)
    platform.inventory.delete(before)
    refreshed = platform.pulumi("refresh", "--stack", TENANT, "--yes", "--skip-preview")
    assert "deleted" in refreshed.stdout, "refresh says what has gone"
    report = platform.up(TENANT)
    assert report[TENANT]["succeeded"], report[TENANT]["message"]
    after = next(host for host in platform.inventory.hosts(TENANT) if host.name == AGENT)
    assert after.id != before.id, "there is a new droplet in its place"


def test_a_replaced_host_has_its_data_and_nothing_else_of_the_old_one(platform: Platform) -> None:
    platform.change(TENANT, agents=_agents(data_gib=1))
    platform.up(TENANT)
    note = "/var/lib/tenantry/data/note"
    mounted = "timeout 120 sh -c 'until mountpoint -q /var/lib/tenantry/data; do sleep 0.2; done'"
    platform.cloud.console(AGENT, "sh", "-c", f"{mounted} && echo kept > {note}")
    before = {host.name: host.id for host in platform.inventory.hosts(TENANT)}
    devices = {device.id for device in platform.devices(TENANT)}
    platform.stacks("replace", AGENT)
    after = {host.name: host.id for host in platform.inventory.hosts(TENANT)}
    assert [name for name in before if before[name] != after[name]] == [AGENT], "no other host is touched"
    assert platform.cloud.console(AGENT, "cat", note).stdout == "kept\n", "the volume is its successor's"
    now = {device.id for device in platform.devices(TENANT)}
    assert len(now - devices) == len(devices - now) == 1, "the old host's place in the mesh is gone"
    assert not platform.preview(TENANT), "everything is as it should be"


def test_a_new_password_reaches_the_hosts_and_replaces_none(platform: Platform) -> None:
    before = {host.name: host.id for host in platform.inventory.hosts(TENANT)}
    (database,) = (each for each in platform.inventory.services(TENANT) if "database" in each.name)
    platform.api("POST", f"/v2/databases/{database.id}/users/agents/reset_auth", {})
    query = "PGSERVICEFILE=/etc/tenantry/pg_service.conf psql -Atc 'select 1' service=tenant"
    refused = platform.cloud.console(AGENT, "sh", "-c", query, check=False)
    assert refused.returncode, "the old password is no good any more"
    platform.stacks("up", TENANT, "--refresh")
    assert platform.cloud.console(AGENT, "sh", "-c", query).stdout == "1\n", "the new one was delivered"
    assert {host.name: host.id for host in platform.inventory.hosts(TENANT)} == before, "to the same hosts"


def test_a_vpc_made_by_hand_can_be_imported(platform: Platform) -> None:
    body = {"name": "by-hand", "region": "nyc3", "ip_range": "10.61.200.0/24"}
    vpc = platform.api("POST", "/v2/vpcs", body)["vpc"]["id"]
    folder = platform.folder / "imports"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "imports", "runtime": "python"}))
    pulumi = ("pulumi", "--cwd", str(folder), "--non-interactive")
    platform.run(*pulumi, "stack", "init", "imports", "--secrets-provider", "passphrase")
    token = "digitalocean:index/vpc:Vpc"
    options = ("--stack", "imports", "--yes", "--skip-preview", "--protect=false", "--generate-code=false")
    platform.run(*pulumi, "import", token, "by-hand", vpc, *options)
    exported = json.loads(platform.run(*pulumi, "stack", "export", "--stack", "imports").stdout)
    (resource,) = [each for each in exported["deployment"]["resources"] if each["type"] == token]
    assert resource["inputs"]["ipRange"] == "10.61.200.0/24", "its inputs are read back"
    platform.run(*pulumi, "destroy", "--stack", "imports", "--yes", "--skip-preview")
    names = [each["name"] for each in platform.api("GET", "/v2/vpcs")["vpcs"]]
    assert "by-hand" not in names, "it is the stack's now"
