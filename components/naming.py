"""Names and tags of everything a tenant has in DigitalOcean and Tailscale. Imports nothing of Tenantry.

Names are `<tenant>-<role>-<key>`: they follow from the spec alone, so a resource that an interrupted `up`
left behind can be found again, by its name or by its tenant's tag.
"""

import hashlib
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

RESERVED_TENANTS = frozenset({"platform", "control-plane", "vault"})
"""Names of stacks and tags that belong to all tenants together."""

CONTROL_PLANE_TAG = "tag:control-plane"
VAULT_TAG = "tag:vault"
"""The tags in the tailnet of what tenants share."""

PLATFORM = "platform"
"""The name of the stack that holds what tenants share."""


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


def mesh_tag(tenant: str, tier: str) -> str:
    """The tag of a tenant's tier in the tailnet: `tag:tenant-acme-agent`."""
    return f"tag:{tier_tag(tenant, tier)}"


def mesh_hostname(host: str, key_id: str) -> str:
    """A host's name in the tailnet: `acme-agent-writer-1-1f0c93ab`, with a digest of the key that let it in.

    So the device of a host that was replaced, which the tailnet keeps for a while, is never taken for its
    successor's.
    """
    return f"{host}-{hashlib.sha256(key_id.encode()).hexdigest()[:8]}"


def resource_name(tenant: str, role: str, key: str | int) -> str:
    """The physical name of a resource, for instance `acme-network-vpc` or `acme-guardrail-1`."""
    return f"{tenant}-{role}-{key}"


def guardrail_name(tenant: str) -> str:
    """The name that agents know their guardrail by, and that its certificate has."""
    return f"guardrail.{tenant}.tenantry.internal"


def agent_host_name(tenant: str, agent: str, replica: int) -> str:
    """The droplet's name of an agent's replica, counted from 1: `acme-agent-writer-1`."""
    return resource_name(tenant, "agent", f"{agent}-{replica}")


def project_name(tenant: str) -> str:
    """The name of the tenant's project in DigitalOcean's control panel."""
    return f"{tenant}-project"
