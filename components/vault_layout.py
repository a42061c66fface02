"""What each tenant has in the vault: where, and who may do what with it. Pure: names, paths, texts, numbers.

The vault itself is made to look so by components/vault.py. Deliberately nothing here gives one tenant's roles
a path of another's, lists a mount, or lets a role widen its own rights.
"""

from collections.abc import Iterable
from typing import Any, Literal

from components.naming import tenant_tag

HOUR = 3600
DAY = 24 * HOUR

APPROLE = "approle"
SSH = "ssh"
SSH_ROLE = "control-plane"
"""The mounts that tenants share, and the role that signs the operator's certificates."""

CERTIFICATE_SECONDS = 8 * HOUR
LONGEST_CERTIFICATE_SECONDS = DAY
AUTHORITY_SECONDS = 10 * 365 * DAY
"""How long a tenant's own authority lives; hosts are given its certificate when they are made."""

GUARDRAIL_PERIOD_SECONDS = HOUR
AGENT_TOKEN_SECONDS = 600
SECRET_ID_SECONDS = 600
SSH_SECONDS = HOUR

Role = Literal["guardrail", "agent"]
ROLES: tuple[Role, ...] = ("guardrail", "agent")
CONTROL_PLANE = "control-plane"
"""The name in the certificate by which a host knows the control plane; also the PKI role that gives it."""

Json = dict[str, Any]

SSH_AUTHORITY: Json = {"generate_signing_key": True, "key_type": "ed25519"}
"""What the SSH authority is made from."""


def keys_mount(tenant: str) -> str:
    """The KV mount of the customer's provider keys."""
    return f"tenants/{tenant}/keys"


def volumes_mount(tenant: str) -> str:
    """The KV mount of the keys that encrypt data volumes."""
    return f"tenants/{tenant}/volumes"


def pki_mount(tenant: str) -> str:
    """The tenant's own authority."""
    return f"tenants/{tenant}/pki"


def provider_key(provider: str) -> str:
    """Where, in the mount of keys, a provider's key is; its field is `key`."""
    return f"providers/{provider}"


def role_name(tenant: str, role: Role) -> str:
    """The name of an AppRole, and of its policy."""
    return f"{tenant_tag(tenant)}-{role}"


def domain(tenant: str) -> str:
    """The domain of the tenant's internal names; no DNS knows it."""
    return f"{tenant}.tenantry.internal"


def policy(tenant: str, role: Role) -> str:
    """The text of a role's policy."""
    granted = _GUARDRAIL if role == "guardrail" else _AGENT
    return "\n".join(
        f'path "{path.format(tenant=tenant)}" {{\n  capabilities = [{capabilities}]\n}}'
        for path, capabilities in granted
    )


_OWN_TOKEN = (
    ("auth/token/lookup-self", '"read"'),
    ("auth/token/revoke-self", '"update"'),
)

_GUARDRAIL = (
    ("tenants/{tenant}/keys/data/providers/+", '"read"'),
    # No "update": a volume's key is written once, so nothing can lock data away by writing another.
    ("tenants/{tenant}/volumes/data/+", '"create", "read"'),
    ("tenants/{tenant}/pki/sign/guardrail", '"update"'),
    ("tenants/{tenant}/pki/sign/agent", '"update"'),
    ("auth/token/renew-self", '"update"'),
    *_OWN_TOKEN,
)

_AGENT = (("tenants/{tenant}/pki/sign/agent", '"update"'), *_OWN_TOKEN)


def app_role(tenant: str, role: Role) -> Json:
    """An AppRole's settings. A secret id works once, within minutes; without the default policy's rights."""
    lives = (
        {"token_period": GUARDRAIL_PERIOD_SECONDS, "token_ttl": 0, "token_max_ttl": 0}
        if role == "guardrail"
        else {"token_period": 0, "token_ttl": AGENT_TOKEN_SECONDS, "token_max_ttl": AGENT_TOKEN_SECONDS}
    )
    return {
        "bind_secret_id": True,
        "secret_id_num_uses": 1,
        "secret_id_ttl": SECRET_ID_SECONDS,
        "token_policies": [role_name(tenant, role)],
        "token_no_default_policy": True,
        **lives,
    }


def authority(tenant: str) -> Json:
    """What the tenant's root certificate is made from; its key stays in the vault."""
    return {
        "common_name": f"{tenant} authority",
        "organization": "Tenantry",
        "key_type": "ec",
        "key_bits": 256,
        "ttl": f"{AUTHORITY_SECONDS}s",
    }


def pki_roles(tenant: str) -> dict[str, Json]:
    """What the tenant's authority signs, by role: a host's own names, or the control plane's."""
    guardrail, agent = f"{tenant}-guardrail-*", f"{tenant}-agent-*"
    return {
        "guardrail": _pki_role([guardrail, f"guardrail.{domain(tenant)}"], serves=True),
        "agent": _pki_role([agent], serves=True),
        CONTROL_PLANE: _pki_role([CONTROL_PLANE], serves=False),
    }


def _pki_role(names: list[str], *, serves: bool) -> Json:
    """A glob also covers the name with the tenant's domain after it. None is kept: they live hours.

    A request gives a key and no name: who asks for the signature says the names, by what it knows itself.
    """
    return {
        "allowed_domains": names,
        "allow_bare_domains": True,
        "allow_glob_domains": True,
        "allow_subdomains": False,
        "allow_localhost": False,
        "allow_any_name": False,
        "allow_wildcard_certificates": False,
        "allowed_uri_sans": [],
        "allowed_other_sans": [],
        "allow_ip_sans": False,
        "use_csr_common_name": False,
        "use_csr_sans": False,
        "enforce_hostnames": True,
        "require_cn": True,
        "client_flag": True,
        "server_flag": serves,
        "key_type": "ec",
        "key_bits": 256,
        "key_usage": ["DigitalSignature"],
        "ttl": CERTIFICATE_SECONDS,
        "max_ttl": LONGEST_CERTIFICATE_SECONDS,
        "no_store": True,
    }


def ssh_role(tenants: Iterable[str]) -> Json:
    """The role that signs a user certificate for the hosts of the named tenants, and for no login name."""
    return {
        "key_type": "ca",
        "allow_user_certificates": True,
        "allow_host_certificates": False,
        "allow_user_key_ids": False,
        "allowed_users": ",".join(tenant_tag(tenant) for tenant in sorted(set(tenants))),
        "allowed_users_template": False,
        "allowed_extensions": "permit-pty",
        "default_extensions": {"permit-pty": ""},
        "ttl": SSH_SECONDS,
        "max_ttl": SSH_SECONDS,
    }
