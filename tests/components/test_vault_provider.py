"""The dynamic providers against a real vault, with the operator's rights and no more."""

import base64
import pickle
from collections.abc import Iterator
from typing import Any

import hvac
import pulumi.dynamic
import pytest
from vault_server import RunningVault, running_vault

from components import vault_layout as layout
from components import vault_provider
from components.vault_client import VaultError, vault_client
from components.vault_provider import (
    AppRoleProvider,
    AuthMethodProvider,
    CertificateAuthorityProvider,
    MountProvider,
    SettingProvider,
    SshAuthorityProvider,
)

POLICY = {
    "path": f"sys/policies/acl/{layout.role_name('acme', 'agent')}",
    "data": {"policy": layout.policy("acme", "agent")},
}
PKI_CONFIG = {"max_lease_ttl": layout.AUTHORITY_SECONDS}
APPROLE = {"path": "approle", "type": "approle", "options": {}, "config": {}}


def mount(path: str, kind: str = "kv", config: dict[str, int] | None = None) -> dict[str, Any]:
    options = {"version": "2"} if kind == "kv" else {}
    return {"path": path, "type": kind, "options": options, "config": config or {}}


def as_the_engine_sends_it(value: Any) -> Any:
    """Its protocol knows no whole numbers."""
    match value:
        case bool() | str() | None:
            return value
        case int():
            return float(value)
        case dict():
            return {key: as_the_engine_sends_it(each) for key, each in value.items()}
    return [as_the_engine_sends_it(each) for each in value]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture
def vault(server: RunningVault, monkeypatch: pytest.MonkeyPatch) -> RunningVault:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def created(provider: pulumi.dynamic.ResourceProvider, props: dict[str, Any]) -> dict[str, Any]:
    outs = provider.create(as_the_engine_sends_it(props)).outs
    assert outs is not None
    return outs


def every_setting() -> list[Any]:
    pki = layout.pki_mount("acme")
    settings = {f"{pki}/roles/{role}": data for role, data in layout.pki_roles("acme").items()}
    settings[f"ssh/roles/{layout.SSH_ROLE}"] = layout.ssh_role(["acme", "globex"])
    for role in layout.ROLES:
        name = layout.role_name("acme", role)
        settings[f"sys/policies/acl/{name}"] = {"policy": layout.policy("acme", role)}
        settings[f"auth/approle/role/{name}"] = layout.app_role("acme", role)
    return [pytest.param(path, data, id=path) for path, data in settings.items()]


@pytest.fixture
def mounts(vault: RunningVault) -> RunningVault:
    created(AuthMethodProvider(), APPROLE)
    created(MountProvider(), mount("ssh", "ssh"))
    created(MountProvider(), mount(layout.pki_mount("acme"), "pki", PKI_CONFIG))
    return vault


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(("path", "data"), every_setting())
def test_what_is_written_is_read_back_the_same(path: str, data: dict[str, Any]) -> None:
    props = {"path": path, "data": data}
    outs = created(SettingProvider(), props)
    difference = SettingProvider().diff(path, as_the_engine_sends_it(outs), as_the_engine_sends_it(props))
    assert not difference.changes, "every update would change it again"


@pytest.mark.parametrize(
    "props",
    [
        mount("tenants/initech/keys"),
        mount("tenants/initech/pki", "pki", PKI_CONFIG),
    ],
    ids=["kv", "pki"],
)
def test_a_mount_that_is_there_is_taken_over_with_what_is_in_it(
    vault: RunningVault, props: dict[str, Any]
) -> None:
    first = created(MountProvider(), props)
    before = vault.root.read("sys/mounts")["data"][f"{props['path']}/"]["uuid"]
    assert created(MountProvider(), props) == first
    after = vault.root.read("sys/mounts")["data"][f"{props['path']}/"]["uuid"]
    assert before == after, "a lost state must not cost a customer's keys"


def test_a_mount_of_another_kind_is_refused_by_name(vault: RunningVault) -> None:
    vault.root.sys.enable_secrets_engine("kv", path="tenants/hooli/keys", options={"version": "1"})
    with pytest.raises(VaultError, match=r"mount 'tenants/hooli/keys' of another kind.*move it"):
        created(MountProvider(), mount("tenants/hooli/keys"))


def test_a_mount_that_somebody_put_in_the_place_of_ours_is_refused_and_not_deleted(
    vault: RunningVault,
) -> None:
    wanted = mount("tenants/swapped/keys")
    vault.root.sys.enable_secrets_engine("kv", path="tenants/swapped/keys", options={"version": "1"})
    found = MountProvider().read(wanted["path"], wanted).outs
    difference = MountProvider().diff(wanted["path"], found, wanted)
    assert difference.changes
    assert not difference.replaces, "a replacement would delete what somebody has there"
    with pytest.raises(VaultError, match="of another kind"):
        MountProvider().update(wanted["path"], found, wanted)


def test_a_key_value_mount_can_be_written_as_soon_as_it_is_made(vault: RunningVault) -> None:
    for number in range(3):
        path = f"tenants/soon{number}/keys"
        created(MountProvider(), mount(path))
        vault.root.secrets.kv.v2.create_or_update_secret("a", {"key": "b"}, mount_point=path)


def test_a_mount_whose_limits_were_changed_by_hand_is_tuned_back(mounts: RunningVault) -> None:
    props = mount(layout.pki_mount("acme"), "pki", PKI_CONFIG)
    mounts.root.sys.tune_mount_configuration(path=props["path"], max_lease_ttl="1h")
    found = MountProvider().read(props["path"], props)
    assert MountProvider().diff(props["path"], found.outs, props).changes, "refresh finds it"
    outs = MountProvider().update(props["path"], found.outs, as_the_engine_sends_it(props)).outs
    assert outs == props


def test_a_policy_widened_by_hand_is_found_and_mended(vault: RunningVault) -> None:
    created(SettingProvider(), POLICY)
    name = layout.role_name("acme", "agent")
    vault.root.sys.create_or_update_policy(name, 'path "*" { capabilities = ["sudo", "read"] }')
    found = SettingProvider().read(POLICY["path"], POLICY)
    difference = SettingProvider().diff(POLICY["path"], found.outs, POLICY)
    assert difference.changes, "a role with too many rights has to be noticed"
    assert not difference.replaces, "and is mended in place"
    SettingProvider().update(POLICY["path"], found.outs, POLICY)
    assert vault.root.sys.read_policy(name)["data"]["rules"] == layout.policy("acme", "agent")


def test_an_approle_given_another_policy_by_hand_is_found(mounts: RunningVault) -> None:
    name = layout.role_name("acme", "agent")
    props = {"path": f"auth/approle/role/{name}", "data": layout.app_role("acme", "agent"), "role_id": None}
    created(AppRoleProvider(), props)
    wide = [name, layout.role_name("acme", "guardrail")]
    mounts.root.auth.approle.create_or_update_approle(name, token_policies=wide)
    found = AppRoleProvider().read(props["path"], props)
    assert AppRoleProvider().diff(props["path"], found.outs, props).changes


def test_the_role_id_stays_when_the_role_is_written_again(mounts: RunningVault) -> None:
    del mounts
    path = f"auth/approle/role/{layout.role_name('acme', 'guardrail')}"
    props = {"path": path, "data": layout.app_role("acme", "guardrail"), "role_id": None}
    first = created(AppRoleProvider(), props)
    assert len(first["role_id"]) == 36
    assert created(AppRoleProvider(), props)["role_id"] == first["role_id"], "hosts have it already"


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(
    ("provider", "path", "settings", "begins"),
    [
        (
            CertificateAuthorityProvider(),
            layout.pki_mount("acme"),
            layout.authority("acme"),
            "-----BEGIN CERTIFICATE-----",
        ),
        (SshAuthorityProvider(), "ssh", layout.SSH_AUTHORITY, "ssh-ed25519 "),
    ],
    ids=["certificates", "ssh"],
)
def test_an_authority_is_made_once_and_only_its_public_half_comes_out(
    provider: pulumi.dynamic.ResourceProvider, path: str, settings: dict[str, Any], begins: str
) -> None:
    props = {"path": path, "settings": settings, "public": None}
    first = created(provider, props)
    assert first["public"].startswith(begins)
    assert set(first) == {"path", "settings", "public"}, "nothing else may reach the state"
    assert created(provider, props) == first, "a second one would lock every host out"
    found = provider.read(path, first)
    assert not provider.diff(path, found.outs, props).changes
    provider.delete(path, first)
    assert provider.read(path, first).id, "it lives as long as its mount"


@pytest.mark.parametrize(
    ("provider", "props"),
    [
        (MountProvider(), mount("tenants/nobody/keys")),
        (SettingProvider(), {"path": "sys/policies/acl/tenant-nobody-agent", "data": {"policy": ""}}),
        (SettingProvider(), {"path": "tenants/nobody/pki/roles/agent", "data": {"ttl": 1}}),
        (
            CertificateAuthorityProvider(),
            {"path": "tenants/nobody/pki", "settings": {}, "public": "-----BEGIN"},
        ),
        (AppRoleProvider(), {"path": "auth/approle/role/tenant-nobody-agent", "data": {}, "role_id": "x"}),
    ],
    ids=["mount", "policy", "role of a mount that is gone", "authority", "approle"],
)
def test_what_has_gone_is_read_as_gone_and_deleted_again_without_complaint(
    mounts: RunningVault, provider: pulumi.dynamic.ResourceProvider, props: dict[str, Any]
) -> None:
    del mounts
    assert provider.read(props["path"], props).id == "", "the engine makes it again"
    provider.delete(props["path"], props)


def test_a_deleted_mount_takes_what_is_in_it(vault: RunningVault) -> None:
    props = mount("tenants/leaver/keys")
    created(MountProvider(), props)
    vault.root.secrets.kv.v2.create_or_update_secret("a", {"key": "b"}, mount_point=props["path"])
    MountProvider().delete(props["path"], props)
    created(MountProvider(), props)
    with pytest.raises(hvac.exceptions.InvalidPath):
        vault.root.secrets.kv.v2.read_secret_version(
            "a", mount_point=props["path"], raise_on_deleted_version=True
        )


def test_another_path_is_another_thing() -> None:
    old, new = mount("tenants/a/keys"), mount("tenants/b/keys")
    assert MountProvider().diff("a", old, new).replaces == ["path"]


def test_a_sealed_vault_is_named_with_the_resource_and_the_way_out(vault: RunningVault) -> None:
    vault.seal()
    try:
        with pytest.raises(VaultError, match=r"'tenants/x/keys' can't be created.*sealed.*unseal"):
            created(MountProvider(), mount("tenants/x/keys"))
    finally:
        vault.unseal()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("VAULT_ADDR", "https://127.0.0.1:1", "can't be reached"),
        ("VAULT_CACERT", "", "can't be reached"),
        ("VAULT_TOKEN", "nobodys-token-of-this-test", "refuses VAULT_TOKEN"),
    ],
)
def test_a_vault_that_does_not_answer_or_refuses_is_one_line_without_the_token(
    vault: RunningVault, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(VaultError, match=reason) as caught:
        created(MountProvider(), mount("tenants/y/keys"))
    message = str(caught.value)
    assert "'tenants/y/keys'" in message, "it names the resource"
    assert "\n" not in message
    assert vault.operator_token not in message
    assert "nobodys-token" not in message


def test_a_vault_s_ca_that_is_not_there_is_named() -> None:
    settings = {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "any", "VAULT_CACERT": "/nowhere/ca.crt"}
    with pytest.raises(VaultError, match=r"can't read VAULT_CACERT '/nowhere/ca\.crt'"):
        vault_client(settings)


def test_a_provider_is_pickled_by_reference_so_that_its_code_is_no_part_of_the_state() -> None:
    classes = [item for name, item in vars(vault_provider).items() if name.endswith("Provider")]
    concrete = [item for item in classes if getattr(item, "kind", None)]
    assert len(concrete) == 6, "pin a new provider's module and name here: a state refers to it"
    for provider in concrete:
        text = pulumi.dynamic.dynamic.serialize_provider(provider())
        assert type(pickle.loads(base64.b64decode(text))) is provider  # noqa: S301 - made in this test
        assert len(text) < 200, "a class by value would change with every edit"
