"""What a host is told so that it can reach what it needs; secrets are not in reprs."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """One user's way to the tenant's PostgreSQL database. `certificate` is the cluster's CA, in PEM."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    certificate: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CacheAccess:
    """The way to the tenant's Valkey. `certificate` is the cluster's CA, in PEM."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    certificate: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class VaultAccess:
    """Where the vault is, and its CA in PEM, empty for a public one. Nothing of it is secret."""

    address: str
    certificate: str
