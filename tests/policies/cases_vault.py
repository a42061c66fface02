"""The rules of the vault, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace
from typing import Any

from rule_case import UNKNOWN, Case, Given

from components import vault_layout as layout
from policies import vault, vault_signing
from policies.resource_types import (
    VAULT_APP_ROLE,
    VAULT_AUTH_METHOD,
    VAULT_AUTHORITY,
    VAULT_MOUNT,
    VAULT_SETTING,
)


def setting(path: Any, type_: str = VAULT_SETTING, **props: Any) -> Given:
    return Given(type=type_, name="acme-vault-x", stack="platform", props={"path": path, **props})


def policy(text: Any, role: layout.Role = "guardrail") -> Given:
    return setting(f"sys/policies/acl/tenant-acme-{role}", data={"policy": text})


def granting(path: str, *rights: str) -> Given:
    """A guardrail's policy with one right more."""
    listed = ", ".join(f'"{right}"' for right in rights)
    more = f'\npath "{path}" {{\n  capabilities = [{listed}]\n}}'
    return policy(layout.policy("acme", "guardrail") + more)


def role(name: layout.Role = "agent", **changes: Any) -> Given:
    data = {**layout.app_role("acme", name), **changes}
    return setting(f"auth/approle/role/tenant-acme-{name}", VAULT_APP_ROLE, data=data)


def pki(name: str = "agent", **changes: Any) -> Given:
    data = {**layout.pki_roles("acme")[name], **changes}
    return setting(f"tenants/acme/pki/roles/{name}", data=data)


def ssh(**changes: Any) -> Given:
    return setting("ssh/roles/control-plane", data={**layout.ssh_role(["acme", "globex"]), **changes})


def mount(path: str, kind: str, **options: str) -> Given:
    return setting(path, VAULT_MOUNT, type=kind, options=options, config={})


KEYS = mount("tenants/acme/keys", "kv", version="2")
LOGIN = setting("approle", VAULT_AUTH_METHOD, type="approle")
AUTHORITY = setting("tenants/acme/pki", VAULT_AUTHORITY, settings=layout.authority("acme"))

CASES: tuple[Case, ...] = (
    Case(
        rule=vault.LEAST_RIGHTS,
        passes=(
            policy(layout.policy("acme", "guardrail")),
            policy(layout.policy("acme", "agent"), "agent"),
            pki(),
        ),
        violates=(
            granting("*", "read"),
            granting("tenants/acme/*", "read"),
            granting("tenants/globex/keys/data/providers/+", "read"),
            granting("tenants/acme/keys/data/providers/+", "update"),
            granting("tenants/acme/keys/data/providers/+", "sudo"),
            granting("sys/policies/acl/tenant-acme-guardrail", "update"),
            granting("auth/token/create", "update"),
            policy(layout.policy("acme", "guardrail"), "agent"),
            policy('path "x" { capabilities = ["read"] allowed_parameters = {} }'),
            policy('path "x" { policy = "write" }'),
            policy("nothing of the kind"),
            policy(7),
            setting("sys/policies/acl/tenant-acme-agent", data={"policy": "", "rules": "x"}),
            setting("sys/policies/acl/tenant-acme-agent"),
        ),
        unknown=(
            (policy(UNKNOWN), False),
            (setting("sys/policies/acl/tenant-acme-agent", data=UNKNOWN), False),
        ),
    ),
    Case(
        rule=vault.SHORT_LIVED,
        passes=(role(), role("guardrail")),
        violates=(
            role(bind_secret_id=False),
            role(secret_id_num_uses=0),
            role(secret_id_ttl=0),
            role(secret_id_ttl=86400),
            role(token_max_ttl=0),
            role(token_max_ttl=86400),
            role(token_period=86400),
            role(token_ttl=86400),
            role(token_max_ttl=-1),
            role(token_max_ttl=True),
            role("guardrail", token_period=0, token_ttl=600),
            role(token_type="batch"),
            role(policies=["root"]),
            role(token_no_default_policy=False),
            role(token_policies=["root"]),
            role(token_policies=["tenant-globex-agent"]),
            role(token_policies=["tenant-acme-agent", "tenant-acme-guardrail"]),
            setting("auth/approle/role/somebody", VAULT_APP_ROLE, data={}),
        ),
        unknown=((role(token_max_ttl=UNKNOWN), False), (role(token_policies=UNKNOWN), False)),
    ),
    Case(
        rule=vault_signing.PKI_NARROW,
        passes=(pki(), pki("guardrail"), pki("control-plane"), ssh()),
        violates=(
            pki(allow_any_name=True),
            pki(allow_ip_sans=True),
            pki(allow_wildcard_certificates=True),
            pki(allow_subdomains=True),
            pki(enforce_hostnames=False),
            pki(max_ttl=86401),
            pki(max_ttl=0),
            pki(not_after="2099-12-31T23:59:59Z"),
            pki(allowed_uri_sans=["*"]),
            pki(allowed_other_sans=UNKNOWN),
            pki(allowed_domains_template=True),
            pki("guardrail", allowed_domains=["guardrail.globex.tenantry.internal"]),
            pki("control-plane", allowed_domains=["acme-agent-*"]),
            pki(allowed_domains=[]),
            pki(allowed_domains=["*"]),
            pki(allowed_domains=["globex-agent-*"]),
            pki(allowed_domains=["acme-guardrail-*"]),
            setting("tenants/acme/pki/roles/agent"),
        ),
        unknown=((pki(allowed_domains=UNKNOWN), False), (pki(max_ttl=UNKNOWN), False)),
    ),
    Case(
        rule=vault_signing.SSH_NARROW,
        passes=(ssh(), ssh(allowed_users=""), pki()),
        violates=(
            ssh(allowed_users="*"),
            ssh(allowed_users="tenant-acme,root"),
            ssh(allow_host_certificates=True),
            ssh(allowed_extensions="permit-pty,permit-port-forwarding"),
            ssh(max_ttl=3601),
            ssh(key_type="otp"),
            ssh(allowed_users="tenant-acme-agent"),
            ssh(allowed_extensions=""),
            ssh(default_extensions={"permit-pty": "", "permit-port-forwarding": ""}),
            ssh(default_extensions=UNKNOWN),
            ssh(allow_empty_principals=True),
            ssh(default_user="root"),
            setting("ssh/roles/control-plane"),
        ),
        unknown=((ssh(allowed_users=UNKNOWN), False), (ssh(max_ttl=UNKNOWN), False)),
    ),
    Case(
        rule=vault.MOUNT_OF_A_TENANT,
        passes=(
            KEYS,
            mount("tenants/acme/volumes", "kv", version="2"),
            mount("tenants/acme/pki", "pki"),
            mount("ssh", "ssh"),
        ),
        violates=(
            mount("secret", "kv", version="2"),
            mount("tenants/acme", "kv", version="2"),
            mount("tenants/acme/keys/", "kv", version="2"),
            mount("tenants/acme-agent/keys", "kv", version="2"),
            mount("tenants/control-plane/keys", "kv", version="2"),
            mount("tenants/acme/keys", "kv", version="1"),
            mount("tenants/acme/keys", "kv"),
            mount("tenants/acme/pki", "kv", version="2"),
            mount("tenants/acme/keys", "transit"),
            KEYS.but(options=None),
            KEYS.but(path=None),
        ),
        unknown=(
            (KEYS.but(path=UNKNOWN), False),
            (KEYS.but(options=UNKNOWN), False),
            (mount("ssh", "ssh").but(options=UNKNOWN), False),
            (KEYS.but(config=UNKNOWN), True),
        ),
    ),
    Case(
        rule=vault.SETTING_KNOWN,
        passes=(
            policy(""),
            pki(),
            ssh(),
            role(),
            LOGIN,
            AUTHORITY,
            setting("ssh", VAULT_AUTHORITY, settings=layout.SSH_AUTHORITY),
        ),
        violates=(
            setting("sys/policies/acl/somebody"),
            setting("sys/policies/acl/root"),
            setting("sys/policies/acl/tenant-acme-agent-guardrail"),
            setting("sys/policy/tenant-acme-agent"),
            setting("sys/audit/file"),
            setting("tenants/acme/pki/roles/anything"),
            setting("tenants/acme/keys/config"),
            setting("ssh/roles/somebody"),
            setting("auth/approle/role/tenant-acme-agent"),
            setting("auth/token/roles/any", VAULT_APP_ROLE),
            setting("userpass", VAULT_AUTH_METHOD, type="userpass"),
            LOGIN.but(type="userpass"),
            setting("tenants/acme/keys", VAULT_AUTHORITY, settings={}),
            setting("ssh", VAULT_AUTHORITY, settings={"private_key": "x"}),
            setting(None),
        ),
        unknown=((setting(UNKNOWN), False), (LOGIN.but(type=UNKNOWN), False)),
    ),
    Case(
        rule=vault.PLATFORMS_ALONE,
        passes=(policy(""), role(), KEYS, LOGIN, AUTHORITY),
        violates=tuple(replace(each, stack="acme") for each in (policy(""), role(), KEYS, LOGIN, AUTHORITY)),
        unknown=((policy(UNKNOWN), True), (replace(policy(UNKNOWN), stack="acme"), False)),
    ),
)
