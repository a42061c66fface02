"""Rules of the vault: whose secrets a role reads, for how long it is let in, and what is written.

All of it is the platform's; each path names the tenant that it is for, and a right beyond it is refused.
What the vault signs has rules of its own (vault_signing.py).
"""

from collections.abc import Iterator

from components.naming import tenant_tag
from policies import vault_signing
from policies.reading import UNKNOWN, Resource
from policies.resource_types import (
    VAULT_APP_ROLE,
    VAULT_AUTH_METHOD,
    VAULT_AUTHORITY,
    VAULT_MOUNT,
    VAULT_SETTING,
)
from policies.rule import Config, Finding, ResourceRule, Rule, Setting, Severity, Theme, nist, soc2
from policies.vault_paths import (
    APP_ROLE,
    HOUR,
    LOGIN,
    MOUNT,
    PKI_MOUNT,
    PKI_ROLE,
    POLICY,
    SSH_MOUNT,
    SSH_ROLE,
    differing,
    fields,
    lasts,
    place,
    unread,
)
from policies.vault_policies import rights_of

_UNKNOWNS = "refused: all of it follows from the tenant's name alone"

_OWN_TOKEN = {"lookup-self": {"read"}, "revoke-self": {"update"}, "renew-self": {"update"}}
_RIGHTS = {
    "guardrail": {
        "keys/data/providers/+": {"read"},
        "volumes/data/+": {"create", "read"},
        "pki/sign/guardrail": {"update"},
        "pki/sign/agent": {"update"},
    },
    "agent": {"pki/sign/agent": {"update"}},
}
"""The most that a role may have, below `tenants/<tenant>/`."""


def _rights(setting: Resource, _config: Config) -> Iterator[Finding]:
    found = place(setting, POLICY)
    if found is None:
        return
    yield from unread(fields(setting), {"policy"})
    text = setting.get("data", "policy")
    granted = rights_of(text) if isinstance(text, str) else None
    if granted is None:
        yield "`data.policy` isn't known, or is no policy that can be read"
        return
    allowed = {f"tenants/{found['tenant']}/{path}": most for path, most in _RIGHTS[found["role"]].items()}
    allowed |= {f"auth/token/{path}": most for path, most in _OWN_TOKEN.items()}
    for number, (path, rights) in enumerate(granted, 1):
        if path not in allowed:
            yield f"`data.policy` gives a right to a path that isn't the role's (number {number})"
        elif rights - allowed[path]:
            yield f"`data.policy` gives more than the role needs (number {number})"


LEAST_RIGHTS = ResourceRule(
    name="vault-policy-least-rights",
    theme=Theme.VAULT,
    title="A policy of the vault gives a tenant's role what it needs of its own tenant, and no more.",
    why="What a role may read is what is lost when a host of it is taken over.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1"), soc2("CC6.3")),
    remediation="Grant by exact paths below `tenants/<tenant>/`: no `*`, no sudo, no other tenant's.",
    unknowns=_UNKNOWNS,
    types=(VAULT_SETTING,),
    check=_rights,
)

_LIVES = ("token_period", "token_ttl", "token_max_ttl")
_NARROWER = ("token_bound_cidrs", "secret_id_bound_cidrs", "token_num_uses", "token_explicit_max_ttl")


def _short_lived(setting: Resource, config: Config) -> Iterator[Finding]:
    found, data = place(setting, APP_ROLE), fields(setting)
    if found is None:
        yield "`path` isn't known, or is no role's of a tenant, so nobody can tell what the role may be given"
        return
    wanted = {
        "bind_secret_id": True,
        "secret_id_num_uses": 1,
        "token_no_default_policy": True,
        "token_policies": [f"{tenant_tag(found['tenant'])}-{found['role']}"],
    }
    yield from differing(data, wanted)
    yield from unread(data, {*wanted, *_LIVES, *_NARROWER, "secret_id_ttl"})
    longest = config["longest_seconds"]
    if not lasts(data.get("secret_id_ttl"), longest):
        yield "`data.secret_id_ttl` isn't given, or is longer than a secret id may lie about"
    for key in _LIVES:
        if not lasts(data.get(key, 0), longest, shortest=0):
            yield f"`data.{key}` isn't known, or is longer than a token may live"
    # A ttl alone is renewed until the vault's own maximum, which is weeks.
    if not (data.get("token_period") or data.get("token_max_ttl")):
        yield "neither `data.token_period` nor `data.token_max_ttl` ends a token"


SHORT_LIVED = ResourceRule(
    name="vault-role-short-lived",
    theme=Theme.VAULT,
    title="A role's secret id works once, and its tokens end within the hour or are renewed.",
    why="A token that lives on a host's disk for a month is a month's access for who copies it.",
    severity=Severity.HIGH,
    controls=(nist(3), nist(6), soc2("CC6.1")),
    remediation="Take the settings of components.vault_layout.app_role.",
    unknowns=_UNKNOWNS,
    settings={
        "longest_seconds": Setting(
            schema={"type": "integer", "minimum": 60, "maximum": HOUR},
            default=HOUR,
            description="For how many seconds a secret id, a token or a token's period may last.",
        )
    },
    types=(VAULT_APP_ROLE,),
    check=_short_lived,
)

_VERSIONED = ("kv", {"version": "2"})
_KINDS = {"keys": _VERSIONED, "volumes": _VERSIONED, "pki": ("pki", {}), "ssh": ("ssh", {})}


def _mounted(mount: Resource, _config: Config) -> Iterator[Finding]:
    found = place(mount, MOUNT, SSH_MOUNT)
    if found is None:
        yield "`path` isn't known, or is no mount's of a tenant"
        return
    kind, options = _KINDS[found.groupdict().get("kind", "ssh")]
    if mount.get("type") != kind:
        yield "`type` isn't the kind of engine that the path is for"
    if fields(mount, "options") != options or mount.get("options") is UNKNOWN:
        yield "`options` aren't the engine's, such as version 2, which keeps a key that is written over"


MOUNT_OF_A_TENANT = ResourceRule(
    name="vault-mount-of-a-tenant",
    theme=Theme.VAULT,
    title="A mount of the vault is one tenant's, and of the kind that its path says.",
    why="Policies are written by path: what two tenants have at one path, each of them reads.",
    severity=Severity.HIGH,
    controls=(nist(2), nist(3), soc2("CC6.1")),
    remediation="Mount it at `tenants/<tenant>/` and keys, volumes or pki, as components.vault does.",
    unknowns=_UNKNOWNS,
    types=(VAULT_MOUNT,),
    check=_mounted,
)

_PLACES = {
    VAULT_SETTING: (POLICY, PKI_ROLE, SSH_ROLE),
    VAULT_APP_ROLE: (APP_ROLE,),
    VAULT_AUTH_METHOD: (LOGIN,),
    VAULT_AUTHORITY: (PKI_MOUNT, SSH_MOUNT),
}
_AUTHORITY = frozenset({"common_name", "organization", "key_type", "key_bits", "ttl", "generate_signing_key"})


def _known(setting: Resource, _config: Config) -> Iterator[Finding]:
    if place(setting, *_PLACES[setting.type]) is None:
        yield "`path` isn't known, or is none that a rule judges"
    if setting.type == VAULT_AUTH_METHOD and setting.get("type") != "approle":
        yield "`type` is a way to log in that no rule judges"
    if setting.type == VAULT_AUTHORITY and (fields(setting, "settings").keys() - _AUTHORITY):
        yield "`settings` has a field that no rule reads: the key is made in the vault and stays"


SETTING_KNOWN = ResourceRule(
    name="vault-setting-known",
    theme=Theme.VAULT,
    title="What the platform writes into the vault is at a path that rules judge.",
    why="A policy of another form, a login or a setting of the vault's own would pass every rule unread.",
    severity=Severity.HIGH,
    controls=(nist(3), soc2("CC6.3")),
    remediation="Write it where components.vault_layout has its kind, or a rule for the new kind first.",
    unknowns=_UNKNOWNS,
    types=tuple(_PLACES),
    check=_known,
)


def _not_a_tenants(resource: Resource, _config: Config) -> Iterator[Finding]:
    if resource.is_of_a_tenant:
        yield "it changes the vault from a tenant's stack"


PLATFORMS_ALONE = ResourceRule(
    name="vault-in-the-platform-alone",
    theme=Theme.VAULT,
    title="No tenant's stack changes the vault.",
    why="Who may change one policy may change all: a tenant's stack that does has every tenant's keys.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.3")),
    remediation="Declare it in the stack platform (components.vault.TenantVault).",
    unknowns="there are none: the type and the stack decide",
    types=(*_PLACES, VAULT_MOUNT),
    check=_not_a_tenants,
)

RULES: tuple[Rule, ...] = (
    LEAST_RIGHTS,
    SHORT_LIVED,
    *vault_signing.RULES,
    MOUNT_OF_A_TENANT,
    SETTING_KNOWN,
    PLATFORMS_ALONE,
)
