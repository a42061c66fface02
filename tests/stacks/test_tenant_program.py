"""One tenant's whole program against the stand-in for the engine."""

import json
from pathlib import Path
from typing import Any

import pulumi_digitalocean as digitalocean
import pytest

from stacks.catalogue import DATABASE_SIZES, Catalogue, refuse_unknown
from stacks.errors import CatalogueError, PlatformError, StacksError
from stacks.program import program
from stacks.spec import TenantSpec, parse_spec
from stacks.spec_errors import SpecError
from tests.recorded_stack import ADDRESSES, HOST_KEY, Recording, plain, record, texts_in

AGENT = {"name": "writer", "kind": "langchain", "model": "anthropic/claude"}
CATALOGUE = Catalogue(
    regions=["nyc3", "fra1"],
    sizes={"s-1vcpu-1gb": ["nyc3", "fra1"], "s-1vcpu-2gb": ["nyc3", "fra1"], "c-2": ["fra1"]},
    images={"debian-12-x64": ["nyc3", "fra1"], "debian-13-x64": ["fra1"]},
)


def spec(**changes: Any) -> TenantSpec:
    return parse_spec({"tenant": "acme", "region": "nyc3", "agents": [AGENT], **changes})


def tenant(**changes: Any) -> Recording:
    return record(lambda: program(spec(**changes)))


@pytest.fixture(scope="module")
def acme() -> Recording:
    return tenant(agents=[{**AGENT, "replicas": 2}, {**AGENT, "name": "reader", "kind": "n8n"}])


def ours(recording: Recording) -> list[str]:
    return [item.name for item in recording.resources if not item.type.startswith("pulumi:")]


def test_every_physical_name_begins_with_the_tenant_or_its_tag(acme: Recording) -> None:
    for item in acme.resources:
        name = plain(item.props.get("name"))
        if item.type.startswith("digitalocean:") and name not in (None, "tenant", "agents", "guardrail"):
            assert str(name).startswith(("acme-", "tenant-acme")), f"{item.type} is called {name}"


def test_everything_that_can_carry_a_tag_carries_the_tenants(acme: Recording) -> None:
    taggable = [item for item in acme.resources if item.type.endswith((":Droplet", ":DatabaseCluster"))]
    assert len(taggable) == 6, "three agents, a guardrail, a database, a cache"
    for item in taggable:
        assert "tenant-acme" in item.props["tags"], f"{item.name} could not be found again by tag"


def test_no_droplet_is_made_before_the_firewalls_the_gateway_and_the_tags(acme: Recording) -> None:
    kinds = (":Firewall", ":VpcNatGateway", ":Tag", ":Vpc")
    before = {
        item.urn for item in acme.resources if item.type.endswith(kinds) and "database" not in item.type
    }
    for droplet in acme.of_type("digitalocean:index/droplet:Droplet"):
        assert before <= set(droplet.dependencies), f"{droplet.name} could be up without its firewall"


def test_the_bootstrap_waits_for_the_databases_users_and_trusted_sources(acme: Recording) -> None:
    bootstrap = acme.one("command:remote:Command", "acme-database-bootstrap")
    names = {urn.rsplit("::", 1)[-1] for urn in bootstrap.dependencies}
    assert {"acme-database-firewall", "acme-database-user-agents", "acme-database-user-guardrail"} <= names
    assert "acme-guardrail-1-delivery" in names, "with it came the CA that the database is verified by"


def test_no_droplet_waits_for_the_database_or_the_cache(acme: Recording) -> None:
    for droplet in acme.of_type("digitalocean:index/droplet:Droplet"):
        waits = [urn for urn in droplet.dependencies if "digitalocean:index/database" in urn]
        assert not waits, f"{droplet.name} could boot beside {waits}"


def test_agents_are_enrolled_after_the_guardrail(acme: Recording) -> None:
    enrolled = acme.of_type("pulumi-python:dynamic/tenantry:EnrolledHost")
    (guardrail,) = (item.urn for item in enrolled if item.name == "acme-guardrail-1-enrolment")
    agents = [item for item in enrolled if item.urn != guardrail]
    assert len(agents) == 3, "every agent has an identity"
    assert all(guardrail in item.dependencies for item in agents), "which the guardrail signs for them"


def test_hosts_know_the_names_that_they_need_and_no_others(acme: Recording) -> None:
    agent = acme.one("command:remote:Command", "acme-agent-writer-1-delivery")
    guardrail = acme.one("command:remote:Command", "acme-guardrail-1-delivery")
    database, cache = ({name: address} for name, address in ADDRESSES.items())
    assert json.loads(plain(guardrail.props["stdin"]))["names"] == database
    assert json.loads(plain(agent.props["stdin"]))["names"] == {
        **database,
        **cache,
        "guardrail.acme.tenantry.internal": "10.32.0.9",
    }


def test_a_tenant_that_the_platform_does_not_list_is_refused_before_anything_is_declared() -> None:
    declared: list[str] = []

    def run() -> None:
        try:
            program(spec(tenant="initech", ip_range="10.33.0.0/24"))
        except PlatformError as error:
            declared.append(str(error))

    recording = record(run, stack="initech")
    assert "'initech' is not in the stack 'platform'" in declared[0]
    assert not ours(recording), "something would have been created"


def test_agents_do_not_wait_for_the_guardrail_nor_for_each_other(acme: Recording) -> None:
    for droplet in acme.of_type("digitalocean:index/droplet:Droplet"):
        waits = [urn for urn in droplet.dependencies if urn.endswith(("-1", "-2"))]
        assert not waits, f"{droplet.name} waits for {waits}"


def test_all_droplets_are_put_into_the_project(acme: Recording) -> None:
    (membership,) = acme.of_type("digitalocean:index/projectResources:ProjectResources")
    assert len(membership.props["resources"]) == 4


def test_outputs_name_every_host_and_service_and_hold_no_secret(acme: Recording) -> None:
    outputs = acme.stack_outputs
    assert set(outputs) == {
        "tenant",
        "region",
        "ip_range",
        "vpc_id",
        "project_id",
        "nat_gateway_id",
        "firewall_ids",
        "agents",
        "hosts",
        "database",
        "cache",
        "release",
    }
    writer = outputs["hosts"]["acme-agent-writer-2"]
    assert set(writer) == {"id", "tier", "private_address", "mesh_address", "device_id", "host_key"}
    assert (writer["tier"], writer["mesh_address"], writer["host_key"]) == ("agent", "100.64.0.9", HOST_KEY)
    assert outputs["database"]["address"] == "10.32.0.3"
    assert "fake-" not in texts_in(outputs), "an output is shown to whoever asks"


def test_deletion_protection_covers_the_data_and_can_be_lifted() -> None:
    agents = [{**AGENT, "data_gib": 1}]
    protected = {item.name for item in tenant(agents=agents).resources if item.protect}
    assert protected == {
        "acme-database-pg",
        "acme-database-tenant",
        "acme-cache-valkey",
        "acme-agent-writer-1-data",
    }
    lifted = tenant(agents=agents, deletion_protection=False)
    assert not [item for item in lifted.resources if item.protect]


def test_the_program_registers_the_same_twice() -> None:
    assert sorted(ours(tenant())) == sorted(ours(tenant())), "a name that is not stable is a second copy"


def test_a_stack_of_another_name_is_refused_before_anything_is_declared() -> None:
    with pytest.raises(SpecError, match="select the stack acme"):
        record(lambda: program(spec()), stack="globex")


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "nyc9"},
        {"image": "debian-99-x64"},
        {"ip_range": "10.32.1.0/24"},
        {"guardrail": {"size": "s-9"}},
    ],
)
def test_a_refused_spec_declares_nothing(changes: dict[str, Any]) -> None:
    declared: list[str] = []

    def run() -> None:
        try:
            program(spec(**changes))
        except SpecError:
            declared.append("refused")

    recording = record(run)
    assert declared == ["refused"]
    assert not ours(recording), "something would have been created"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "nyc4"}, r"region: got 'nyc4'; no such region; did you mean nyc3"),
        (
            {"agents": [{**AGENT, "size": "s-1vcpu-1g"}]},
            r"agents\[0\]\.size: got 's-1vcpu-1g'; no such droplet size",
        ),
        ({"agents": [{**AGENT, "size": "c-2"}]}, r"this droplet size is not in nyc3; it is in fra1"),
        ({"image": "debian-13-x64"}, r"image: got 'debian-13-x64'; this image is not in nyc3; it is in fra1"),
        (
            {"database": {"size": "db-s-1vcpu-9gb"}},
            r"database\.size: got 'db-s-1vcpu-9gb'; no such database size",
        ),
        ({"cache": {"size": "s-1vcpu-1gb"}}, r"cache\.size: got 's-1vcpu-1gb'; no such database size"),
        ({"guardrail": {"size": "m"}}, r"guardrail\.size: got 'm'; no such droplet size; there are"),
    ],
)
def test_what_digitalocean_does_not_have_is_refused_with_what_it_has(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        refuse_unknown(spec(**changes), CATALOGUE)


def test_what_digitalocean_has_is_accepted() -> None:
    refuse_unknown(spec(), CATALOGUE)
    assert "db-s-1vcpu-1gb" in DATABASE_SIZES


def test_every_output_is_in_the_documentation(acme: Recording) -> None:
    document = (Path(__file__).parents[2] / "docs" / "components.md").read_text()
    missing = [name for name in acme.stack_outputs if f"`{name}`" not in document]
    assert not missing, f"docs/components.md lacks {missing}"


def test_what_keeps_digitalocean_from_answering_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> None:
        raise Exception("invoke of X failed: invocation of X returned an error: 401; check the token")  # noqa: TRY002

    monkeypatch.setattr(digitalocean, "get_regions", refused)
    with pytest.raises(CatalogueError) as caught:
        Catalogue.of_digitalocean()
    assert isinstance(caught.value, StacksError), "whoever runs the program prints its message alone"
    assert str(caught.value).endswith("can't be asked what it offers: 401; check the token")


def test_a_preview_shows_a_tenant_that_the_platform_is_yet_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTRY_COMING_TENANTS", "initech,acme")
    coming = spec(tenant="initech", ip_range="10.61.0.0/24")
    shown = record(lambda: program(coming), stack="initech", preview=True)
    assert len(shown.of_type("digitalocean:index/droplet:Droplet")) == 2, "all of it"
    (enrolled,) = (
        item
        for item in shown.resources
        if item.name == "initech-guardrail-1-enrolment" and item.type.endswith("EnrolledHost")
    )
    assert "id" not in str(plain(enrolled.props.get("role_id"))), "what the platform will say isn't known"


def test_an_update_refuses_a_tenant_that_the_platform_is_yet_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTRY_COMING_TENANTS", "initech")
    coming = spec(tenant="initech", ip_range="10.61.0.0/24")
    with pytest.raises(PlatformError, match="not in the stack 'platform'"):
        record(lambda: program(coming), stack="initech")
