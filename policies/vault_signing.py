"""Rules of what the vault signs: hosts' certificates, and operators'."""

import re
from collections.abc import Iterator

from components.naming import NameRefusedError, check_tenant, tenant_tag
from policies.reading import Resource
from policies.resource_types import VAULT_SETTING
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, Theme, nist, soc2
from policies.vault_paths import DAY, HOUR, PKI_ROLE, SSH_ROLE, differing, fields, lasts, place, unread

_UNKNOWNS = "refused: the role's settings follow from the platform's spec"

_NARROW = {
    "allow_any_name": False,
    "allow_ip_sans": False,
    "allow_wildcard_certificates": False,
    "allow_localhost": False,
    "allow_subdomains": False,
    "enforce_hostnames": True,
    "use_csr_common_name": False,
    "use_csr_sans": False,
}
_EMPTY = ("allowed_uri_sans", "allowed_other_sans")
_FREE = frozenset(
    {
        *("allowed_domains", "allow_bare_domains", "allow_glob_domains", "require_cn", "client_flag"),
        *("server_flag", "key_type", "key_bits", "key_usage", "ttl", "max_ttl", "no_store"),
    }
)


def _names(setting: Resource, _config: Config) -> Iterator[Finding]:
    found = place(setting, PKI_ROLE)
    if found is None:
        return
    data = fields(setting)
    yield from differing(data, _NARROW)
    yield from unread(data, _FREE.union(_NARROW, _EMPTY))
    for key in _EMPTY:
        if data.get(key) not in (None, []):
            yield f"`data.{key}` allows names of other kinds, or isn't known before the update"
    if not lasts(data.get("max_ttl"), DAY):
        yield "`data.max_ttl` is longer than a day, or isn't given"
    domains = data.get("allowed_domains")
    own = _own_names(found["tenant"], found["role"])
    if not isinstance(domains, list) or not domains:
        yield "`data.allowed_domains` aren't given, or aren't known"
    elif any(each not in own for each in domains):
        yield "`data.allowed_domains` aren't just the role's own names"


def _own_names(tenant: str, role: str) -> tuple[str, ...]:
    if role == "control-plane":
        return ("control-plane",)
    return f"{tenant}-{role}-*", f"{role}.{tenant}.tenantry.internal"


PKI_NARROW = ResourceRule(
    name="vault-pki-role-narrow",
    theme=Theme.VAULT,
    title="A tenant's authority signs for a day at most, and for the role's own names alone.",
    why="A certificate is who a service takes another for: for any name, anybody is anybody.",
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(6), soc2("CC6.1"), soc2("CC6.7")),
    remediation="Take the settings of components.vault_layout.pki_roles.",
    unknowns=_UNKNOWNS,
    types=(VAULT_SETTING,),
    check=_names,
)

_OPERATORS = {
    "key_type": "ca",
    "allow_user_certificates": True,
    "allow_host_certificates": False,
    "allowed_users_template": False,
    "allowed_extensions": "permit-pty",
}
_OPERATORS_FREE = frozenset({"allow_user_key_ids", "allowed_users", "default_extensions", "ttl", "max_ttl"})


def _operators(setting: Resource, _config: Config) -> Iterator[Finding]:
    if place(setting, SSH_ROLE) is None:
        return
    data = fields(setting)
    yield from differing(data, _OPERATORS)
    yield from unread(data, _OPERATORS_FREE.union(_OPERATORS))
    if data.get("default_extensions", {}) not in ({}, {"permit-pty": ""}):
        yield "`data.default_extensions` gives more than a terminal, whatever `allowed_extensions` says"
    if not lasts(data.get("max_ttl"), HOUR):
        yield "`data.max_ttl` is longer than an hour, or isn't given"
    users = data.get("allowed_users")
    if not isinstance(users, str) or not all(map(_is_a_tenants, filter(None, users.split(",")))):
        yield "`data.allowed_users` aren't just tenants' tags, or aren't known"


def _is_a_tenants(tag: str) -> bool:
    found = re.fullmatch(f"{tenant_tag('')}(.+)", tag)
    try:
        return bool(found and check_tenant(found[1]))
    except NameRefusedError:
        return False


SSH_NARROW = ResourceRule(
    name="vault-ssh-role-narrow",
    theme=Theme.VAULT,
    title="An operator's SSH certificate is for an hour, for named tenants, and for a terminal alone.",
    why="It is the way in to every host: what it allows more, such as forwarding, is a way past the mesh.",
    severity=Severity.CRITICAL,
    controls=(nist(3), nist(6), soc2("CC6.1")),
    remediation="Take the settings of components.vault_layout.ssh_role.",
    unknowns=_UNKNOWNS,
    types=(VAULT_SETTING,),
    check=_operators,
)

RULES: tuple[Rule, ...] = (PKI_NARROW, SSH_NARROW)
