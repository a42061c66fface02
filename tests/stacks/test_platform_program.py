"""The platform's whole program against the stand-in for the engine, and what tenants read of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac
import pulumi
import pulumi_tailscale as tailscale
import pytest

from components.tailnet_policy import MARK, policy_text
from components.vault_client import VaultError
from stacks import platform_program as module
from stacks.errors import PlatformError, ProjectError, StacksError
from stacks.platform_outputs import PlatformOutputs, refuse_unlisted
from stacks.platform_program import platform_program
from stacks.platform_spec import parse_platform_spec
from tests.recorded_stack import PLATFORM, Recording, record

ACL = "tailscale:index/acl:Acl"
DYNAMIC = "pulumi-python:dynamic/tenantry"
HANDWRITTEN = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]} // by somebody'


@dataclass
class Surroundings:
    """What the program finds where it runs."""

    policy: str = HANDWRITTEN
    before: dict[str, Any] | None = None
    stacks: dict[str, list[str]] | None = None

    def outputs(self, name: str) -> dict[str, Any] | None:
        assert name.endswith("/tenantry/platform"), "a stack is asked for by its full name"
        return self.before

    def resources(self, name: str) -> dict[str, Any] | None:
        found = (self.stacks or {}).get(name.rpartition("/")[2])
        return None if found is None else {urn: {} for urn in found}


class Vault:
    """Answers that the token is good."""

    url = "https://vault.example:8200"

    def __init__(self, failure: Exception | None = None) -> None:
        self.auth = self.token = self
        self._failure = failure

    def lookup_self(self) -> None:
        if self._failure:
            raise self._failure


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Surroundings:
    surroundings = Surroundings()
    certificate = tmp_path / "ca.crt"
    certificate.write_text("CA of the vault\n")
    monkeypatch.setenv("VAULT_ADDR", "https://100.64.0.2:8200")
    monkeypatch.setenv("VAULT_CACERT", str(certificate))
    monkeypatch.setattr(module, "vault_client", Vault)
    monkeypatch.setattr(module, "stack_outputs", surroundings.outputs)
    monkeypatch.setattr(module, "stack_resources", surroundings.resources)
    found = lambda: tailscale.GetAclResult(hujson=surroundings.policy, id="acl", json="{}")  # noqa: E731
    monkeypatch.setattr(tailscale, "get_acl", found)
    return surroundings


def platform(*tenants: str, **mesh: Any) -> Recording:
    spec = parse_platform_spec({"tenants": list(tenants), "mesh": mesh})
    return record(lambda: platform_program(spec), stack="platform")


def ours(recording: Recording) -> list[str]:
    return [item.name for item in recording.resources if not item.type.startswith("pulumi:")]


def refusal(*tenants: str) -> str:
    """What the program says, having declared nothing."""
    said: list[str] = []

    def program() -> None:
        try:
            platform_program(parse_platform_spec({"tenants": list(tenants)}))
        except (StacksError, VaultError) as error:
            said.append(str(error))

    assert not ours(record(program, stack="platform")), "something would have been created"
    return said[0]


@pytest.mark.usefixtures("around")
def test_the_tailnets_policy_is_the_tables_for_these_tenants() -> None:
    assert platform("globex", "acme").one(ACL).props["acl"] == policy_text(["acme", "globex"])


@pytest.mark.parametrize(("found", "overwrites"), [(HANDWRITTEN, False), (f"{MARK} …\n{{}}", True)])
def test_a_policy_that_somebody_wrote_is_not_overwritten_and_our_own_is(
    around: Surroundings,
    found: str,
    overwrites: bool,  # noqa: FBT001
) -> None:
    around.policy = found
    acl = platform("acme").one(ACL)
    assert acl.props["overwriteExistingContent"] is overwrites
    assert acl.props["resetAclOnDestroy"] is False, "the default lets everybody reach everything"


@pytest.mark.usefixtures("around")
def test_each_tenant_has_its_mounts_roles_and_policies() -> None:
    names = set(ours(platform("acme", "globex")))
    for tenant in ("acme", "globex"):
        keys = ("keys", "volumes", "pki", "authority", "pki-agent", "pki-guardrail", "pki-control-plane")
        roles = ("policy-agent", "policy-guardrail", "approle-agent", "approle-guardrail")
        assert {f"{tenant}-vault-{key}" for key in (*keys, *roles)} <= names


@pytest.mark.usefixtures("around")
def test_another_tenant_changes_nothing_of_those_there_are() -> None:
    def of_acme(recording: Recording) -> dict[str, Any]:
        return {item.urn: item.props for item in recording.resources if item.name.startswith("acme-")}

    one, two = of_acme(platform("acme")), of_acme(platform("acme", "aardvark"))
    assert one == two
    assert len(one) == 12


@pytest.mark.usefixtures("around")
def test_nothing_that_is_registered_is_a_secret() -> None:
    recording = platform("acme")
    dynamic = [item for item in recording.resources if item.type.startswith(DYNAMIC)]
    known = {"path", "type", "options", "config", "data", "role_id", "settings", "public", "__provider"}
    for item in dynamic:
        assert set(item.props) <= known, f"{item.name} has an input that this test doesn't know"


@pytest.mark.usefixtures("around")
def test_the_types_of_what_is_in_the_vault_are_pinned() -> None:
    types = {item.type for item in platform("acme").resources if item.type.startswith("pulumi-python:")}
    kinds = ("AppRole", "AuthMethod", "Authority", "Mount", "Setting")
    assert types == {f"{DYNAMIC}:Vault{kind}" for kind in kinds}, "a renamed type replaces customers' keys"


@pytest.mark.usefixtures("around")
def test_what_is_in_a_mount_waits_for_it() -> None:
    recording = platform("acme")
    mounts = {item.name: item.urn for item in recording.of_type(f"{DYNAMIC}:VaultMount")}
    for item in recording.of_type(f"{DYNAMIC}:VaultAuthority"):
        assert mounts.keys() & {urn.rpartition("::")[2] for urn in item.dependencies}
    approle = recording.one(f"{DYNAMIC}:VaultAuthMethod").urn
    for item in recording.of_type(f"{DYNAMIC}:VaultAppRole"):
        assert approle in item.dependencies


@pytest.mark.usefixtures("around")
def test_tenants_read_what_the_platform_exports() -> None:
    outputs = platform("globex", "acme", login_server="https://192.200.0.101").stack_outputs
    read = PlatformOutputs.of(outputs)
    assert read.tenants == ("acme", "globex")
    assert read.mesh.login_server == "https://192.200.0.101"
    assert read.mesh.coordination == ("192.200.0.0/24",)
    assert read.vault.address == "https://100.64.0.2:8200"
    assert read.vault.certificate == "CA of the vault\n"
    assert read.ssh_ca == "public half of platform-vault-ssh-authority"
    assert read.tenant_cas["acme"] == "public half of acme-vault-authority"
    assert read.role_ids["globex"]["agent"] == "id of globex-vault-approle-agent"


def test_every_output_is_in_the_documentation(around: Surroundings) -> None:
    del around
    document = (Path(__file__).parents[2] / "docs" / "platform.md").read_text()
    outputs = platform("acme").stack_outputs
    assert not [name for name in outputs if f"`{name}`" not in document]


@pytest.mark.usefixtures("around")
def test_a_vault_with_a_public_ca_needs_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_CACERT")
    assert platform("acme").stack_outputs["vault"]["certificate"] == ""


@pytest.mark.usefixtures("around")
def test_a_platform_that_knows_no_vault_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_CACERT", "/nowhere/ca.crt")
    assert "VAULT_CACERT '/nowhere/ca.crt': No such file" in refusal("acme")
    monkeypatch.delenv("VAULT_ADDR")
    assert refusal("acme").startswith("no VAULT_ADDR: set it")


@pytest.mark.usefixtures("around")
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (hvac.exceptions.VaultDown("Vault is sealed"), "is sealed: unseal it"),
        (hvac.exceptions.Forbidden("permission denied"), "refuses VAULT_TOKEN"),
    ],
)
def test_a_vault_that_is_not_usable_is_one_error_before_anything_is_declared(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, reason: str
) -> None:
    monkeypatch.setattr(module, "vault_client", lambda: Vault(failure))
    message = refusal("acme")
    assert message.startswith(
        "nothing of the stack 'platform' was changed: the vault at https://vault.example"
    )
    assert reason in message


@pytest.mark.usefixtures("around")
def test_a_tailnet_that_does_not_answer_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise Exception("invoke of X failed: invocation of X returned an error: 401; check the key")  # noqa: TRY002

    monkeypatch.setattr(tailscale, "get_acl", refused)
    assert refusal("acme").endswith("the tailnet's policy can't be read: 401; check the key")


def test_a_tenant_that_still_has_resources_does_not_leave(around: Surroundings) -> None:
    around.before = {"tenants": ["acme", "globex"]}
    droplet = "urn:pulumi:globex::tenantry::digitalocean:index/droplet:Droplet::globex-guardrail-1"
    around.stacks = {"globex": ["urn:pulumi:globex::tenantry::pulumi:pulumi:Stack::x", droplet]}
    message = refusal("acme")
    assert "tenant 'globex' was taken out" in message
    assert "resources (1)" in message, "the stack itself is none"
    assert "python -m stacks.destroy globex" in message


@pytest.mark.parametrize("left", [None, [], ["urn:pulumi:globex::tenantry::pulumi:pulumi:Stack::x"]])
def test_a_tenant_whose_stack_is_empty_or_gone_leaves(around: Surroundings, left: list[str] | None) -> None:
    around.before = {"tenants": ["acme", "globex"]}
    around.stacks = {} if left is None else {"globex": left}
    assert not [name for name in ours(platform("acme")) if name.startswith("globex")]


def test_a_tenant_that_is_not_listed_is_told_the_fix() -> None:
    read = PlatformOutputs.of(PLATFORM)
    refuse_unlisted("acme", read)
    with pytest.raises(PlatformError, match=r"'initech' is not in.*acme, globex.*`- initech`.*stacks\.up"):
        refuse_unlisted("initech", read)


@pytest.mark.parametrize(
    ("outputs", "state"), [(None, "isn't there"), ({}, "has never come up")], ids=["missing", "empty"]
)
def test_a_platform_that_is_not_up_is_told_with_the_next_step(
    outputs: dict[str, Any] | None, state: str
) -> None:
    with pytest.raises(PlatformError, match=rf"{state}.*`python -m stacks\.up platform` first"):
        PlatformOutputs.of(outputs)


def test_outputs_are_also_read_from_an_exported_state() -> None:
    stack = {"type": "pulumi:pulumi:Stack", "outputs": PLATFORM}
    exported = {"deployment": {"resources": [{"type": "a:b:C", "outputs": {}}, stack]}}
    assert PlatformOutputs.of_checkpoint(exported) == PlatformOutputs.of(PLATFORM)
    for exported_state in (None, {"deployment": {"resources": None}}):
        with pytest.raises(PlatformError, match=r"stacks\.up platform"):
            PlatformOutputs.of_checkpoint(exported_state)


def test_another_stack_is_read_at_once_and_a_missing_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.platform_outputs import stack_outputs  # noqa: PLC0415 - the fixture's are others

    def failing(words: str) -> None:
        def invoke(*_: object) -> None:
            raise Exception(words)  # noqa: TRY002

        monkeypatch.setattr(pulumi.runtime, "invoke", invoke)

    failing('invocation of X returned an error: unknown stack "organization/tenantry/platform"')
    assert stack_outputs("organization/tenantry/platform") is None
    failing("the passphrase is wrong")
    with pytest.raises(PlatformError, match="'a/b/c' can't be read: the passphrase is wrong"):
        stack_outputs("a/b/c")


def test_errors_of_the_platform_are_among_those_that_commands_print_alone() -> None:
    assert issubclass(PlatformError, StacksError)
    assert issubclass(ProjectError, StacksError)
