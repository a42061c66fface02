"""The stand-in under the real Pulumi engine: up, preview, refresh, import, destroy."""

import json
import secrets
from pathlib import Path

import pytest
from digitalocean_fake import FakeApi, Fault
from engine_project import Engine, new_project

pytestmark = pytest.mark.end_to_end

PROGRAM = """\

import pulumi
import pulumi_digitalocean as digitalocean

config = pulumi.Config()
vpc = digitalocean.Vpc("network", region="nyc3", ip_range="10.1.0.0/24")
tag = digitalocean.Tag("tenant", name="tenant-acme")
digitalocean.Firewall(
    "wall",
    name="acme-wall",
    tags=[tag.name],
    inbound_rules=[
        digitalocean.FirewallInboundRuleArgs(
            protocol="tcp", port_range="25060", source_addresses=[vpc.ip_range]
        )
    ],
)
host = digitalocean.Droplet(
    "host",
    name="acme-host",
    image=config.get("image") or "debian-12-x64",
    region="nyc3",
    size=config.get("size") or "s-1vcpu-1gb",
    vpc_uuid=vpc.id,
    tags=[tag.id],
    user_data=config.require_secret("userData"),
)
pulumi.export("vpc", vpc.id)
pulumi.export("address", host.ipv4_address_private)
pulumi.export("limit", vpc.id.apply(lambda id: digitalocean.get_vpc(id=id).ip_range))
"""

MISSPELLED = """
import pulumi

inputs = {"region": "nyc3", "ipRnage": "10.1.0.0/24"}
pulumi.CustomResource("digitalocean:index/vpc:Vpc", "v", inputs, pulumi.ResourceOptions(version="4.84.1"))
"""


@pytest.fixture
def engine(tmp_path: Path, cloud: FakeApi, password: str) -> Engine:
    where = {"DIGITALOCEAN_API_URL": cloud.url, "DIGITALOCEAN_TOKEN": cloud.token}
    engine = new_project(tmp_path, PROGRAM, where)
    engine.run("config", "set", "--secret", "userData", input=password)  # by stdin, never by argv
    return engine


def test_the_engine_brings_a_stack_up_and_down(engine: Engine, cloud: FakeApi, password: str) -> None:
    said = engine.run("up", "--yes")
    assert password not in said, "a secret is never shown"
    state = engine.state()
    assert password not in json.dumps(engine.deployment()), "nor in plaintext in the state"
    assert cloud.requests("POST", "/v2/droplets")[0]["user_data"] == password, "but DigitalOcean gets it"
    assert state["network"]["inputs"]["name"].startswith("network-"), (
        "an unnamed thing is named by the engine's seed"
    )
    assert set(engine.steps().values()) == {"same"}, "the same program changes nothing"
    assert engine.steps("--config", "sample:size=s-2vcpu-2gb")["host"] == "update", (
        "a resize is done in place"
    )
    replaced = engine.steps("--config", "sample:image=debian-13-x64")["host"]
    assert "replace" in replaced, "a new image needs a new droplet"

    droplet = state["host"]["id"]
    del cloud.things["droplets"][droplet]
    said = engine.run("refresh", "--yes", "--skip-preview")
    assert "deleted" in said, "the refresh says what was deleted behind its back"
    engine.run("up", "--yes", "--skip-preview")
    assert len(cloud.things["droplets"]) == 1, "and the next update heals it"

    engine.run("destroy", "--yes", "--skip-preview")
    left = {name: list(things) for name, things in cloud.things.items() if things}
    assert not left, "a destroyed stack leaves nothing"


def test_a_droplet_that_failed_half_way_is_in_the_state_and_finished_by_the_next_update(
    engine: Engine, cloud: FakeApi
) -> None:
    body = {"id": "forbidden", "message": "come back later"}
    cloud.faults.append(Fault("GET", r"/v2/droplets/\d+", status=403, body=body))
    said = engine.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "come back later" in said
    half = engine.state()["host"]
    assert half["id"] in cloud.things["droplets"], "the id isn't lost"
    engine.run("up", "--yes", "--skip-preview")
    assert len(cloud.things["droplets"]) == 1, "no second copy"
    assert not engine.state()["host"].get("initErrors"), "and it is whole now"


def test_the_engine_imports_a_vpc_and_writes_its_program(engine: Engine, cloud: FakeApi) -> None:
    _, answer = cloud.answer(
        "POST", "/v2/vpcs", {}, {"name": "old", "region": "nyc3", "ip_range": "10.7.0.0/24"}
    )
    id = answer["vpc"]["id"]
    said = engine.run("import", "digitalocean:index/vpc:Vpc", "old", id, "--yes", "--generate-code=false")
    assert "1 imported" in said
    assert engine.state()["old"]["inputs"]["ipRange"] == "10.7.0.0/24", "a program must give this range"
    assert engine.state()["old"]["outputs"]["vpcUrn"] == f"do:vpc:{id}"


def test_the_engine_reports_an_unknown_input_by_name(engine: Engine) -> None:
    (engine.folder / "__main__.py").write_text(MISSPELLED)
    said = engine.run("preview", succeeds=False)
    assert 'has no input "ipRnage"; did you mean "ipRange"?' in said


def test_a_wrong_token_fails_the_update_and_names_the_resource(engine: Engine) -> None:
    engine.environment["DIGITALOCEAN_TOKEN"] = secrets.token_hex(32)
    said = engine.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "Unable to authenticate you" in said, "DigitalOcean's own words"
    assert "vpc:Vpc network" in said, "and the resource"
