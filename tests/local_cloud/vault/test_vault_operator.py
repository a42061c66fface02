"""What the operator's token may do in the vault, and what it may not; asked of a real OpenBao."""

import secrets
from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden
from real_cloud import ROOT
from vault_server import RunningVault

from local_cloud.hypervisor.vault import operator

POLICY = 'path "tenants/acme/keys/data/providers/+" { capabilities = ["read"] }'
KEY = "tenants/acme/keys/data/providers/openai"


def _capabilities(vault: hvac.Client, path: str) -> set[str]:
    answer = vault.sys.get_capabilities(paths=[path])
    return set(answer["data"][path])


def test_its_token_is_periodic_and_carries_one_policy(platform_vault: RunningVault) -> None:
    token = platform_vault.operator.auth.token.lookup_self()["data"]
    assert token["policies"] == ["operator"], "the default policy has rights that nobody looks at"
    assert token["period"] == 24 * 3600
    assert token["orphan"], "it outlives the root token that made it"


def test_a_providers_key_is_written_and_never_read(platform_vault: RunningVault) -> None:
    client, key = platform_vault.operator, secrets.token_hex(16)
    client.write_data(KEY, data={"data": {"key": key}})
    with pytest.raises(Forbidden):
        client.read(KEY)
    assert platform_vault.root.read(KEY)["data"]["data"]["key"] == key, "it was really written"
    metadata = client.read("tenants/acme/keys/metadata/providers/openai")["data"]
    assert metadata["current_version"] >= 1, "that there is one, and since when, is no secret"
    client.delete("tenants/acme/keys/metadata/providers/openai")
    assert platform_vault.root.read(KEY) is None


def test_a_secret_id_is_had_wrapped_or_not_at_all(platform_vault: RunningVault) -> None:
    client = platform_vault.operator
    client.sys.create_or_update_acl_policy("tenant-acme-guardrail", POLICY)
    client.auth.approle.create_or_update_approle(
        "tenant-acme-guardrail", token_policies=["tenant-acme-guardrail"]
    )
    with pytest.raises(Forbidden):
        client.auth.approle.generate_secret_id("tenant-acme-guardrail")
    with pytest.raises(Forbidden):
        client.auth.approle.generate_secret_id("tenant-acme-guardrail", wrap_ttl="11m")
    wrapped = client.auth.approle.generate_secret_id("tenant-acme-guardrail", wrap_ttl="10m")
    with pytest.raises(Forbidden):
        client.sys.unwrap(wrapped["wrap_info"]["token"])


def test_a_tenants_certificate_is_had_as_the_control_plane_alone(platform_vault: RunningVault) -> None:
    client = platform_vault.operator
    client.write_data("tenants/acme/pki/root/generate/internal", data={"common_name": "acme"})
    for role in ("control-plane", "guardrail"):
        client.write_data(f"tenants/acme/pki/roles/{role}", data={"allow_any_name": True, "ttl": "1h"})
    client.write_data("tenants/acme/pki/issue/control-plane", data={"common_name": "control-plane"})
    with pytest.raises(Forbidden):
        client.write_data("tenants/acme/pki/issue/guardrail", data={"common_name": "acme-guardrail-1"})


def test_it_signs_for_ssh_with_a_key_that_stays_in_the_vault(platform_vault: RunningVault) -> None:
    client = platform_vault.operator
    client.write_data("ssh/config/ca", data={"generate_signing_key": True})
    answer = client.read("ssh/config/ca")["data"]
    assert answer["public_key"].startswith("ssh-")
    assert "private_key" not in answer


ALLOWED: list[tuple[str, set[str]]] = [
    ("sys/mounts", {"read"}),
    ("sys/mounts/tenants/initech/keys", {"create", "read", "update", "delete"}),
    ("sys/mounts/ssh", {"create", "read", "update", "delete"}),
    ("sys/auth", {"read"}),
    ("sys/auth/approle", {"create", "read", "update", "delete", "sudo"}),
    ("sys/policies/acl/tenant-acme-agent", {"create", "read", "update", "delete"}),
    ("auth/approle/role/tenant-acme-agent", {"create", "read", "update", "delete"}),
    ("auth/approle/role/tenant-acme-agent/role-id", {"read"}),
    ("auth/approle/role/tenant-acme-agent/secret-id-accessor/destroy", {"create", "update", "delete"}),
    ("auth/token/revoke-accessor", {"create", "update"}),
    ("tenants/acme/keys/metadata/providers/openai", {"read", "list", "delete"}),
    ("tenants/acme/volumes/metadata/acme-agent-a-1", {"read", "list", "delete"}),
    ("ssh/sign/control-plane", {"create", "update"}),
]


@pytest.mark.parametrize(("path", "capabilities"), ALLOWED)
def test_it_may_do_what_the_platform_needs(
    platform_vault: RunningVault, path: str, capabilities: set[str]
) -> None:
    assert _capabilities(platform_vault.operator, path) == capabilities


@pytest.mark.parametrize(
    "path",
    [
        "tenants/acme/volumes/data/acme-agent-a-1",
        "tenants/acme/pki/root/generate/exported",
        "tenants/acme/pki/sign-verbatim/agent",
        "tenants/acme/pki/sign/agent",
        "ssh/sign/anybody",
        "ssh/issue/control-plane",
        "cubbyhole/anything",
        "sys/policies/acl/operator",
        "sys/policies/acl/root",
        "sys/policy/operator",
        "sys/mounts/secret",
        "sys/mounts/approle",
        "sys/auth/userpass",
        "sys/audit",
        "sys/audit/file",
        "sys/seal",
        "sys/step-down",
        "sys/rotate",
        "sys/rekey/init",
        "sys/raw/core",
        "sys/remount",
        "sys/generate-root/attempt",
        "sys/storage/raft/snapshot",
        "sys/leases/revoke-prefix/auth",
        "auth/token/create",
        "auth/token/create-orphan",
        "auth/token/accessors",
        "auth/approle/role/tenant-acme-agent/custom-secret-id",
        "identity/entity",
    ],
)
def test_it_may_do_nothing_else(platform_vault: RunningVault, path: str) -> None:
    assert _capabilities(platform_vault.operator, path) == {"deny"}


def test_the_vault_cant_be_sealed_or_its_audit_ended_with_it(platform_vault: RunningVault) -> None:
    client = platform_vault.operator
    deeds: list[Any] = [
        client.sys.seal,
        lambda: client.sys.disable_audit_device("file"),
        lambda: client.sys.create_or_update_acl_policy("operator", 'path "*" { capabilities = ["sudo"] }'),
        lambda: client.auth.token.create(policies=["operator"]),
    ]
    for deed in deeds:
        with pytest.raises(Forbidden):
            deed()


def test_the_document_has_the_policy_as_it_is() -> None:
    document = (ROOT / "docs" / "vault.md").read_text()
    assert operator.POLICY in document, "on the real cloud it is copied from there"
