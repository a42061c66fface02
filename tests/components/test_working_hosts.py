"""What makes a booted host a working one, as it is registered: delivery, database, volume, enrolment."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.access import CacheAccess, DatabaseAccess, VaultAccess
from components.agents import Agent, AgentCluster, AgentClusterArgs
from components.bootstrap import DatabaseBootstrap, DatabaseBootstrapArgs
from components.delivery import HostDelivery, HostDeliveryArgs
from components.enrolment import Enrolment, EnrolmentArgs
from components.flows import Endpoint
from components.guardrail import Guardrail, GuardrailArgs
from components.host import HardenedHost, HardenedHostArgs
from components.mesh import Mesh
from components.release import Release
from components.volume import DataVolume, DataVolumeArgs
from tests.recorded_stack import (
    HOST_KEY,
    Recording,
    Registered,
    droplet_id,
    is_secret,
    plain,
    record,
    secret_of,
)

DROPLET = "digitalocean:index/droplet:Droplet"
REMOTE = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
VOLUME = "digitalocean:index/volume:Volume"
ATTACHMENT = "digitalocean:index/volumeAttachment:VolumeAttachment"
ENROLLED = "pulumi-python:dynamic/tenantry:EnrolledHost"
KEY = "tailscale:index/tailnetKey:TailnetKey"

ACCESS = DatabaseAccess(
    host="private-database.example",
    port=25060,
    database="tenant",
    user="agents",
    password=secret_of("agents"),
    certificate="CA of the database\n",
)
ADMINISTRATOR = DatabaseAccess(**{**vars(ACCESS), "user": "doadmin", "password": secret_of("doadmin")})
CACHE = CacheAccess(
    host="private-cache.example",
    port=25061,
    user="default",
    password=secret_of("cache"),
    certificate="CA of the cache\n",
)
MESH = Mesh(login_server="https://192.200.0.101", coordination=("192.200.0.101/32",))
HOST: dict[str, Any] = {
    "tenant": "acme",
    "region": "nyc3",
    "image": "debian-12-x64",
    "ip_range": "10.32.0.0/24",
    "mesh": MESH,
    "ssh_ca": "ssh-ed25519 " + "B" * 68,
    "vpc_id": "vpc-1",
}
ROLE = {"role": "tenant-acme-agent", "role_id": "role-1"}
NAMES = {"private-database.example": "10.32.0.3"}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    path = tmp_path / "agent_runtime.pyz"
    path.write_text("a release")
    return Release(path=path, digest="d" * 64)


def a_host(name: str = "acme-agent-writer-1", tier: Endpoint = Endpoint.AGENT) -> HardenedHost:
    return HardenedHost(name, HardenedHostArgs(**HOST, tier=tier, size="s-1vcpu-1gb"))


def delivered(
    release: Release, database: DatabaseAccess = ACCESS, cache: CacheAccess | None = None, **changes: Any
) -> Recording:
    def program() -> None:
        given: dict[str, Any] = {"tenant": "acme", "tenant_ca": "CA of acme\n", "names": NAMES}
        given |= {"release": release, "host": a_host(), "database": pulumi.Output.secret(database)}
        given["cache"] = pulumi.Output.secret(cache) if cache else None
        HostDelivery("acme-agent-writer-1-delivery", HostDeliveryArgs(**{**given, **changes}))

    return record(program)


def sent(command: Registered) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(plain(command.props["stdin"]))
    return content


def files(command: Registered) -> dict[str, str]:
    return {file["name"]: file["content"] for file in sent(command)["files"]}


def test_a_delivery_is_the_release_and_then_what_the_host_needs_on_standard_input(release: Release) -> None:
    recording = delivered(release)
    copy, command = recording.one(COPY), recording.one(REMOTE)
    assert copy.props["remotePath"] == f"/var/lib/tenantry/incoming/{'d' * 64}.pyz"
    assert command.props["create"] == "sudo /usr/local/lib/tenantry/receive", "no argument has a secret"
    assert copy.urn in command.dependencies, "the release is there when it is to be installed"
    assert sent(command)["release"] == release.digest
    assert sent(command)["names"] == NAMES


def test_what_is_sent_is_a_secret(release: Release) -> None:
    assert is_secret(delivered(release).one(REMOTE).props["stdin"])


def test_a_host_s_secrets_are_for_root_alone(release: Release) -> None:
    found = sent(delivered(release, cache=CACHE).one(REMOTE))["files"]
    modes = {file["name"]: file["mode"] for file in found}
    assert modes == {
        "pg_service.conf": "0600",
        "cache.env": "0600",
        "database-ca.crt": "0644",
        "cache-ca.crt": "0644",
        "tenant-ca.crt": "0644",
        "host.json": "0644",
    }


def test_the_host_s_description_holds_what_the_release_asks_for_and_nothing_secret(release: Release) -> None:
    description = files(delivered(release, volume="acme-agent-writer-1-data").one(REMOTE))["host.json"]
    assert json.loads(description) == {
        "tenant": "acme",
        "host": "acme-agent-writer-1",
        "tier": "agent",
        "vpc_address": "10.32.0.9",
        "guardrail": "guardrail.acme.tenantry.internal",
        "tenant_ca": "/etc/tenantry/tenant-ca.crt",
        "certificate_ttl": 28800,
        "volume": "acme-agent-writer-1-data",
        "release": "d" * 64,
        "vault": None,
        "agents": None,
    }
    assert "fake-" not in description


def test_a_vault_with_a_ca_of_its_own_is_known_by_it_and_another_by_the_public_ones(release: Release) -> None:
    own = VaultAccess(address="https://100.64.0.2:8200", certificate="CA of the vault\n")
    found = files(delivered(release, vault=own).one(REMOTE))
    assert found["vault-ca.crt"] == "CA of the vault\n"
    assert json.loads(found["host.json"])["vault"]["certificate"] == "/etc/tenantry/vault-ca.crt"
    public = VaultAccess(address="https://vault.example", certificate="")
    found = files(delivered(release, vault=public).one(REMOTE))
    assert "vault-ca.crt" not in found
    assert json.loads(found["host.json"])["vault"]["certificate"] == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize("token", [COPY, REMOTE])
def test_everything_remote_goes_over_the_mesh_to_the_pinned_key_as_the_administrator(
    release: Release, token: str
) -> None:
    connection = plain(delivered(release).one(token).props["connection"])
    assert connection["host"] == "100.64.0.9", "its mesh address"
    assert connection["hostKey"] == HOST_KEY
    assert connection["user"] == "tenantry"
    assert not {"privateKey", "password", "agentSocketPath"} & connection.keys(), (
        "what differs from run to run would change the resource each time"
    )


@pytest.mark.parametrize("token", [COPY, REMOTE])
def test_a_new_droplet_is_delivered_to_anew(release: Release, token: str) -> None:
    triggers = delivered(release).one(token).props["triggers"]
    assert triggers == [droplet_id("acme-agent-writer-1")], "pulumi-command copies nothing for a new address"


def test_a_new_password_changes_the_delivery_alone(release: Release) -> None:
    other = DatabaseAccess(**{**vars(ACCESS), "password": secret_of("new")})
    before, after = delivered(release), delivered(release, database=other)
    assert before.one(REMOTE).props["stdin"] != after.one(REMOTE).props["stdin"]
    for token in (DROPLET, KEY, COPY):
        assert before.one(token).props == after.one(token).props, "no host is replaced"


def bootstrapped() -> Recording:
    def program() -> None:
        host = a_host("acme-guardrail-1", Endpoint.GUARDRAIL)
        args = DatabaseBootstrapArgs(
            database="tenant", host=host, administrator=pulumi.Output.secret(ADMINISTRATOR)
        )
        DatabaseBootstrap("acme-database-bootstrap", args)

    return record(program)


def test_the_database_is_prepared_by_its_administrator_whose_password_is_on_standard_input_alone() -> None:
    command = bootstrapped().one(REMOTE)
    assert is_secret(command.props["stdin"])
    assert secret_of("doadmin") in plain(command.props["stdin"])
    assert secret_of("doadmin") not in command.props["create"]
    assert "CREATE EXTENSION IF NOT EXISTS vector" in command.props["create"]


def test_nothing_that_is_remote_waits_for_what_a_droplet_does_not_need() -> None:
    recording = bootstrapped()
    assert recording.one(REMOTE).urn not in recording.one(DROPLET).dependencies


def volume(**changes: Any) -> Recording:
    given: dict[str, Any] = {"tenant": "acme", "tier": "agent", "region": "nyc3", "gib": 5, "droplet_id": "7"}
    args = DataVolumeArgs(**{**given, **changes})
    return record(lambda: DataVolume("acme-agent-writer-1-data", args))


def test_a_volume_is_named_and_tagged_as_its_host_and_has_no_file_system_of_digitalocean_s() -> None:
    props = volume().one(VOLUME).props
    assert props["name"] == "acme-agent-writer-1-data"
    assert props["size"] == 5
    assert props["tags"] == ["tenant-acme", "tenant-acme-agent"]
    assert "initialFilesystemType" not in props, "the host makes one that encrypts"


def test_a_volume_is_protected_unless_told_otherwise_and_its_attachment_never_is() -> None:
    recording = volume()
    assert recording.one(VOLUME).protect, "deletion protection is the default"
    assert not recording.one(ATTACHMENT).protect, "the droplet may go"
    assert not volume(protect=False).one(VOLUME).protect


def test_a_volume_is_attached_to_its_host_s_droplet() -> None:
    assert volume().one(ATTACHMENT).props == {
        "dropletId": 7,
        "volumeId": "id-of-acme-agent-writer-1-data",
    }


def enrolled() -> Recording:
    return record(lambda: Enrolment("acme-agent-writer-1-enrolment", EnrolmentArgs(**ROLE, host=a_host())))


def test_an_enrolment_knows_the_host_and_its_role_and_no_secret() -> None:
    props = enrolled().one(ENROLLED).props
    assert {key: value for key, value in props.items() if not key.startswith("__")} == {
        "host": "acme-agent-writer-1",
        "tier": "agent",
        **ROLE,
        "address": "100.64.0.9",
        "host_key": HOST_KEY,
        "device_id": props["device_id"],
        "droplet_id": props["droplet_id"],
        "speaker_address": "100.64.0.9",
        "speaker_droplet_id": props["droplet_id"],
    }
    assert props["device_id"].startswith("device-of-acme-agent-writer-1-"), "the device of this very host"


def agent(name: str = "writer", **changes: Any) -> Agent:
    given = {"kind": "langchain", "model": "anthropic/claude", "size": "s-1vcpu-1gb", "replicas": 1}
    return Agent(name=name, **{**given, **changes})


def agents(release: Release, *wanted: Agent) -> Recording:
    def program() -> None:
        guardrail = Enrolment("acme-guardrail-1-enrolment", EnrolmentArgs(**ROLE, host=a_host("g")))
        args = AgentClusterArgs(
            **HOST,
            **ROLE,
            ssh_keys=(),
            tenant_ca="CA of acme\n",
            agents=wanted,
            names=NAMES,
            release=release,
            guardrail=guardrail,
            database=pulumi.Output.secret(ACCESS),
            cache=pulumi.Output.secret(CACHE),
        )
        AgentCluster("acme-agent-main", args)

    return record(program)


def test_replicas_are_counted_from_one_and_named_by_agent(release: Release) -> None:
    droplets = agents(release, agent("b", replicas=2), agent("a")).of_type(DROPLET)
    assert [d.name for d in droplets if d.name != "g"] == [
        "acme-agent-a-1",
        "acme-agent-b-1",
        "acme-agent-b-2",
    ]


def test_kind_and_model_are_recorded_and_do_not_touch_the_host(release: Release) -> None:
    one = agents(release, agent("a", kind="n8n", model="openai/x"))
    other = agents(release, agent("a", kind="openclaw", model="openai/y"))
    for token in (DROPLET, REMOTE):
        before, after = ([item.props for item in each.of_type(token)] for each in (one, other))
        assert before == after, "a change of model would touch the host"
    assert one.one("tenantry:index:AgentCluster").props["agents"][0]["kind"] == "n8n"


def test_each_replica_has_a_volume_of_its_own_where_the_agent_wants_one(release: Release) -> None:
    recording = agents(release, agent("writer", data_gib=5, replicas=2), agent("reader"))
    assert [item.name for item in recording.of_type(VOLUME)] == [
        "acme-agent-writer-1-data",
        "acme-agent-writer-2-data",
    ]
    told = {item.name: json.loads(files(item)["host.json"])["volume"] for item in recording.of_type(REMOTE)}
    assert told["acme-agent-writer-2-delivery"] == "acme-agent-writer-2-data"
    assert told["acme-agent-reader-1-delivery"] is None


def test_a_host_is_enrolled_after_its_delivery_its_volume_and_the_guardrail(release: Release) -> None:
    recording = agents(release, agent("writer", data_gib=5))
    enrolment = recording.one(ENROLLED, "acme-agent-writer-1-enrolment")
    before = {
        recording.one(REMOTE, "acme-agent-writer-1-delivery").urn,
        recording.one(ENROLLED, "acme-guardrail-1-enrolment").urn,
    }
    assert before <= set(enrolment.dependencies)
    attachment = recording.one(ATTACHMENT).urn
    assert attachment in recording.one(REMOTE, "acme-agent-writer-1-delivery").dependencies


def test_an_agent_is_told_its_own_credentials_and_never_the_administrators(release: Release) -> None:
    command = agents(release, agent("a")).one(REMOTE, "acme-agent-a-1-delivery")
    assert secret_of("agents") in files(command)["pg_service.conf"]
    assert secret_of("cache") in files(command)["cache.env"]
    assert "doadmin" not in plain(command.props["stdin"])
    assert "vault-ca.crt" not in files(command), "an agent doesn't speak to the vault"


def test_no_droplet_is_made_with_a_credential_but_its_key_to_the_mesh(release: Release) -> None:
    for droplet in agents(release, agent("a", data_gib=1)).of_type(DROPLET):
        assert is_secret(droplet.props["userData"])
        text = plain(droplet.props["userData"])
        for kind in ("agents", "cache", "doadmin"):
            assert secret_of(kind) not in text, f"{droplet.name}'s user-data has the password of {kind}"


def guardrail(release: Release) -> Recording:
    def program() -> None:
        args = GuardrailArgs(
            **HOST,
            **ROLE,
            size="s-1vcpu-2gb",
            ssh_keys=(),
            tenant_ca="CA of acme\n",
            vault=VaultAccess(address="https://100.64.0.2:8200", certificate="CA of the vault\n"),
            names=NAMES,
            agents=["acme-agent-b-1", "acme-agent-a-1"],
            release=release,
            database=pulumi.Output.secret(ACCESS),
        )
        Guardrail("acme-guardrail-main", args)

    return record(program)


def test_the_guardrail_is_told_of_the_vault_and_has_no_cache(release: Release) -> None:
    found = files(guardrail(release).one(REMOTE))
    assert found["vault-ca.crt"] == "CA of the vault\n"
    assert "cache.env" not in found, "it has no flow to the cache"
    assert json.loads(found["host.json"])["agents"] == ["acme-agent-a-1", "acme-agent-b-1"]


def test_the_guardrail_is_one_host_that_is_enrolled(release: Release) -> None:
    recording = guardrail(release)
    assert recording.one(DROPLET).name == "acme-guardrail-1"
    assert recording.one(REMOTE).urn in recording.one(ENROLLED).dependencies


@pytest.mark.parametrize("build", [agents, guardrail, delivered])
def test_no_secret_is_anywhere_but_inside_a_secret(release: Release, build: Any) -> None:
    recording = build(release, agent("a")) if build is agents else build(release)
    for props in [item.props for item in recording.resources] + list(recording.outputs.values()):
        assert "fake-" not in json.dumps(_without_secrets(props)), "a password would be plain in the state"


def _without_secrets(value: Any) -> Any:
    if is_secret(value):
        return None
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
