"""What the rules of the vault must notice, broken."""

from collections.abc import Callable
from typing import Any

import pulumi
from breakage import Breakage, changing

from components.vault import VaultMount, VaultSetting
from policies.resource_types import VAULT_APP_ROLE, VAULT_SETTING

Data = dict[str, Any]


def _with(type_: str, name: str, **data: Any) -> Callable[[], None]:
    """With other fields in what is written."""
    return changing(type_, lambda props: props.update(data={**props["data"], **data}), name=name)


def _granting(path: str, right: str, name: str) -> Callable[[], None]:
    more = f'\npath "{path}" {{\n  capabilities = ["{right}"]\n}}'

    def change(props: Data) -> None:
        props["data"] = {"policy": props["data"]["policy"] + more}

    return changing(VAULT_SETTING, change, name=name)


def _audit() -> None:
    VaultSetting("platform-vault-audit", "sys/audit/file", {"type": "file"}, pulumi.ResourceOptions())


def _first_version() -> None:
    VaultMount("platform-vault-secret", "secret", "kv", opts=pulumi.ResourceOptions())


def _own_policy() -> None:
    path = "sys/policies/acl/tenant-acme-agent"
    VaultSetting("acme-vault-policy", path, {"policy": ""}, pulumi.ResourceOptions())


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="reads-every-tenant",
        rule="vault-policy-least-rights",
        what="a guardrail that reads every tenant's keys",
        apply=_granting("tenants/+/keys/data/providers/+", "read", "acme-vault-policy-guardrail"),
        stack="platform",
    ),
    Breakage(
        name="agents-read-keys",
        rule="vault-policy-least-rights",
        what="agents that read their tenant's keys",
        apply=_granting("tenants/acme/keys/data/providers/+", "read", "acme-vault-policy-agent"),
        stack="platform",
    ),
    Breakage(
        name="widens-itself",
        rule="vault-policy-least-rights",
        what="a guardrail that may write policies",
        apply=_granting("sys/policies/acl/*", "sudo", "acme-vault-policy-guardrail"),
        stack="platform",
    ),
    Breakage(
        name="root-role",
        rule="vault-role-short-lived",
        what="agents that the vault takes for root",
        apply=_with(VAULT_APP_ROLE, "acme-vault-approle-agent", token_policies=["root"]),
        stack="platform",
    ),
    Breakage(
        name="lasting-token",
        rule="vault-role-short-lived",
        what="agents whose tokens never end",
        apply=_with(VAULT_APP_ROLE, "acme-vault-approle-agent", token_max_ttl=0),
        stack="platform",
    ),
    Breakage(
        name="secret-id-for-all",
        rule="vault-role-short-lived",
        what="a secret id that works more than once",
        apply=_with(VAULT_APP_ROLE, "acme-vault-approle-guardrail", secret_id_num_uses=0),
        stack="platform",
    ),
    Breakage(
        name="any-name",
        rule="vault-pki-role-narrow",
        what="an authority that signs for any name",
        apply=_with(VAULT_SETTING, "acme-vault-pki-agent", allow_any_name=True),
        stack="platform",
    ),
    Breakage(
        name="certificate-for-a-year",
        rule="vault-pki-role-narrow",
        what="certificates that last for a year",
        apply=_with(VAULT_SETTING, "acme-vault-pki-guardrail", max_ttl=365 * 86400),
        stack="platform",
    ),
    Breakage(
        name="operator-as-anybody",
        rule="vault-ssh-role-narrow",
        what="an SSH certificate for every login name",
        apply=_with(VAULT_SETTING, "platform-vault-ssh-role", allowed_users="*"),
        stack="platform",
    ),
    Breakage(
        name="forwarding",
        rule="vault-ssh-role-narrow",
        what="an SSH certificate that allows forwarding",
        apply=_with(VAULT_SETTING, "platform-vault-ssh-role", allowed_extensions="permit-port-forwarding"),
        stack="platform",
    ),
    Breakage(
        name="certificate-for-nobody",
        rule="vault-ssh-role-narrow",
        what="an SSH certificate without principals, which every host takes",
        apply=_with(VAULT_SETTING, "platform-vault-ssh-role", allow_empty_principals=True),
        stack="platform",
    ),
    Breakage(
        name="settings-of-the-vault",
        rule="vault-setting-known",
        what="a setting of the vault's own, written as if it were a policy",
        extra=_audit,
        stack="platform",
    ),
    Breakage(
        name="mount-of-nobody",
        rule="vault-mount-of-a-tenant",
        what="a mount that is no tenant's",
        extra=_first_version,
        stack="platform",
    ),
    Breakage(
        name="policy-of-a-tenants-own",
        rule="vault-in-the-platform-alone",
        what="a tenant's stack that writes its own policy into the vault",
        extra=_own_policy,
    ),
)
