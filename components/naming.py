"""Names and tags of everything a tenant has in DigitalOcean. Imports nothing of Tenantry.

Names are `<tenant>-<role>-<key>`: they follow from the spec alone, so a resource that an interrupted `up`
left behind can be found again, by its name or by its tenant's tag.
"""

import re

TENANT_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
"""Lower-case letters, digits and single inner hyphens: valid in a droplet's, VPC's, database's and tag's
name.
"""

TENANT_MAX_LENGTH = 20
"""Leaves room for `-agent-<name>-<n>` in a host name, which DNS limits to 63 characters."""

AGENT_PATTERN = TENANT_PATTERN
AGENT_MAX_LENGTH = 20

ROLES = frozenset({"agent", "cache", "database", "firewall", "guardrail", "network", "project"})
"""The words that follow the tenant in a name or a tag."""

RESERVED_TENANTS = frozenset({"platform", "control-plane"})
"""Names of stacks and tags that belong to all tenants together."""


class NameRefusedError(ValueError):
    """A name can't be a tenant's; the message says why and what to choose."""


def check_tenant(name: str) -> str:
    """`name` itself, when it may be a tenant's.

    A tenant called `acme-agent` would own the tag `tenant-acme-agent`, which is also the tag of acme's
    agents, and so would be let into acme's network: hence no word of a tenant's name is a role's.

    Raises NameRefusedError.
    """
    if len(name) > TENANT_MAX_LENGTH or not re.fullmatch(TENANT_PATTERN, name):
        msg = (
            f"{name!r} is no tenant's name; use lower-case letters, digits and single inner hyphens, "
            f"starting with a letter, at most {TENANT_MAX_LENGTH} characters"
        )
        raise NameRefusedError(msg)
    if name in RESERVED_TENANTS:
        msg = f"{name!r} is reserved for what tenants share; choose another name"
        raise NameRefusedError(msg)
    if roles := sorted(ROLES.intersection(name.split("-"))):
        msg = (
            f"{name!r} has the word {roles[0]!r}, a role's name, and would make tags ambiguous; leave it out"
        )
        raise NameRefusedError(msg)
    return name


def tenant_tag(tenant: str) -> str:
    """The tag that everything taggable of a tenant carries."""
    return f"tenant-{tenant}"


def tier_tag(tenant: str, tier: str) -> str:
    """The tag of one tier (agent, guardrail, database, cache) of a tenant; cloud firewalls target it."""
    return f"tenant-{tenant}-{tier}"


def resource_name(tenant: str, role: str, key: str | int) -> str:
    """The physical name of a resource, for instance `acme-network-vpc` or `acme-guardrail-1`."""
    return f"{tenant}-{role}-{key}"


def agent_host_name(tenant: str, agent: str, replica: int) -> str:
    """The droplet's name of an agent's replica, counted from 1: `acme-agent-writer-1`."""
    return resource_name(tenant, "agent", f"{agent}-{replica}")


def project_name(tenant: str) -> str:
    """The name of the tenant's project in DigitalOcean's control panel."""
    return f"{tenant}-project"
