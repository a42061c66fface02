"""What a host is told about itself: /etc/tenantry/host.json. Nothing in it is a secret.

The mesh address isn't in it: it may change when a host joins again, so it is read from the interface.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from agent_runtime.errors import SettingsError

Tier = Literal["agent", "guardrail"]
DOMAIN = "tenantry.internal"
MIN_TTL, MAX_TTL = 300, 24 * 3600
HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = frozenset(
    {
        "tenant",
        "host",
        "tier",
        "agents",
        "vpc_address",
        "guardrail",
        "tenant_ca",
        "certificate_ttl",
        "volume",
        "release",
        "vault",
    }
)


@dataclass(frozen=True, kw_only=True)
class VaultPlace:
    """Where the vault is, and the file with the CA that it is known by."""

    address: str
    certificate: Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One host's settings. `volume` is the name of a data volume.

    `vault` and `agents`, the names of all agents' hosts, are the guardrail's alone.
    """

    tenant: str
    host: str
    tier: Tier
    vpc_address: str
    guardrail: str
    tenant_ca: Path
    certificate_ttl: int
    release: str
    volume: str | None
    vault: VaultPlace | None
    agents: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that this host's certificate is for."""
        names = names_of(self.tenant, self.host)
        return (*names, self.guardrail) if self.tier == "guardrail" else names


def names_of(tenant: str, host: str) -> tuple[str, ...]:
    """The names of any host of a tenant: its own, and the one in the tenant's private domain."""
    return (host, f"{host}.{tenant}.{DOMAIN}")


def is_agent(tenant: str, host: str) -> bool:
    """Whether a certificate's name is that of one of the tenant's agents."""
    return host.startswith(f"{tenant}-agent-") and HOST_NAME.fullmatch(host) is not None


def read_settings(path: Path) -> Settings:
    """The settings of this host. Raises SettingsError."""
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} can't be read: {error}; deliver it again with `pulumi up`") from error
    try:
        return parse(given)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}; deliver it again with `pulumi up`") from error


def parse(given: Any) -> Settings:
    """Settings from decoded JSON. Raises ValueError, naming the field."""
    if not isinstance(given, Mapping):
        raise ValueError("it holds no object")  # noqa: TRY004 -- one kind of error for all that is wrong
    if odd := sorted(_FIELDS.symmetric_difference(given)):
        raise ValueError(f"field {odd[0]!r} is {'unknown' if odd[0] in given else 'missing'}")
    tier = given["tier"]
    if tier not in get_args(Tier):
        raise ValueError(f"tier {tier!r} is neither agent nor guardrail")
    return Settings(
        tenant=_matching(given, "tenant", HOST_NAME),
        host=_matching(given, "host", HOST_NAME),
        tier=tier,
        vpc_address=_address(given["vpc_address"]),
        guardrail=_text(given, "guardrail"),
        tenant_ca=Path(_text(given, "tenant_ca")),
        certificate_ttl=_ttl(given["certificate_ttl"]),
        release=_matching(given, "release", _DIGEST),
        volume=None if given["volume"] is None else _matching(given, "volume", HOST_NAME),
        vault=_vault(tier, given["vault"]),
        agents=_agents(tier, given["tenant"], given["agents"]),
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that isn't empty, not {value!r}")
    return value


def _matching(given: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(given, name)
    if pattern.fullmatch(value) is None:
        raise ValueError(f"{name} {value!r} doesn't match {pattern.pattern}")
    return value


def _address(value: Any) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise ValueError(f"vpc_address {value!r} is no IPv4 address") from None


def _ttl(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not MIN_TTL <= value <= MAX_TTL:
        raise ValueError(f"certificate_ttl {value!r} is not between {MIN_TTL} and {MAX_TTL} seconds")
    return value


def _agents(tier: str, tenant: str, value: Any) -> frozenset[str]:
    if tier == "agent":
        if value is not None:
            raise ValueError("agents must be null: only the guardrail knows them")
        return frozenset()
    if not isinstance(value, list):
        raise ValueError("agents must be a list of the agents' hosts, for a guardrail")  # noqa: TRY004
    for name in value:
        if not isinstance(name, str) or not is_agent(tenant, name):
            raise ValueError(f"agents has {name!r}, which is no agent's host of tenant {tenant}")
    return frozenset(value)


def _vault(tier: str, value: Any) -> VaultPlace | None:
    if tier == "agent":
        if value is not None:
            raise ValueError("vault must be null: agents don't reach the vault")
        return None
    if not isinstance(value, Mapping) or set(value) != {"address", "certificate"}:
        raise ValueError("vault must be an object with address and certificate, for a guardrail")
    address = _text(value, "address")
    if not address.startswith("https://"):
        raise ValueError(f"vault.address {address!r} must start with https://")
    return VaultPlace(address=address, certificate=Path(_text(value, "certificate")))
