"""What tenants share, as it is now against what the platform wants: the tailnet's policy, the vault's rights.

Read from the tailnet and the vault themselves: a change by hand is in no stack's state.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import hvac

from components import vault_layout as layout
from components.naming import PLATFORM, tenant_tag
from components.tailnet import Device, Tailnet
from components.tailnet_policy import policy
from components.vault_client import explained
from stacks.platform_outputs import PlatformOutputs
from stacks.verification.findings import Finding, Objections, found
from stacks.verification.hosts import Tenancy


def findings(
    platform: PlatformOutputs,
    tenancies: Sequence[Tenancy],
    devices: Sequence[Device],
    tailnet: Tailnet,
    vault: hvac.Client,
) -> list[Finding]:
    """Everything about what tenants share. Raises TailnetError, VaultError when it can't be asked."""
    wanted = policy(platform.tenants)
    shared = (
        found(PLATFORM, "tailnet", "policy file as the table of flows", widened(tailnet.policy(), wanted)),
        found(PLATFORM, "tailnet", "the policy file's own tests", tailnet.failing_tests(wanted["tests"])),
        found(PLATFORM, "vault", "no roles but the platform's", _strange_roles(vault, platform.tenants)),
    )
    return [
        *shared,
        *(_rights(vault, path, wanted) for path, wanted in _vault_settings(platform.tenants)),
        *(_devices(tenancy, devices) for tenancy in tenancies),
    ]


def widened(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Objections:
    """What the live policy file has otherwise than the wanted one, by section."""
    sections = sorted(live.keys() | wanted.keys())
    different = [section for section in sections if (live.get(section) or None) != wanted.get(section)]
    return [f"its section {section!r} is not what the platform wants" for section in different]


def _vault_settings(tenants: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every path of the vault that says who may do what, and what should be there."""
    yield f"{layout.SSH}/roles/{layout.SSH_ROLE}", layout.ssh_role(tenants)
    for tenant in tenants:
        for role in layout.ROLES:
            name = layout.role_name(tenant, role)
            yield f"sys/policies/acl/{name}", {"policy": layout.policy(tenant, role)}
            yield f"auth/{layout.APPROLE}/role/{name}", layout.app_role(tenant, role)
        for name, settings in layout.pki_roles(tenant).items():
            yield f"{layout.pki_mount(tenant)}/roles/{name}", settings


def _rights(vault: hvac.Client, path: str, wanted: Mapping[str, Any]) -> Finding:
    with explained(vault.url, f"{path!r} can't be read"):
        answer = vault.read(path)
    live = answer["data"] if answer else {}
    objections = [
        f"its {name!r} is not what the platform wants" for name in wanted if live.get(name) != wanted[name]
    ]
    return found(PLATFORM, path, "vault's rights as the platform wants", objections)


def _strange_roles(vault: hvac.Client, tenants: Sequence[str]) -> Objections:
    """Each role is a way to log in, or to have something signed: one that nobody wants is a way too many."""
    logins = {layout.role_name(tenant, role) for tenant in tenants for role in layout.ROLES}
    wanted = {
        f"auth/{layout.APPROLE}/role": logins,
        f"{layout.SSH}/roles": {layout.SSH_ROLE},
        **{f"{layout.pki_mount(tenant)}/roles": set(layout.pki_roles(tenant)) for tenant in tenants},
    }
    return [
        f"there is {path}/{name}"
        for path, known in wanted.items()
        for name in sorted(_listed(vault, path) - known)
    ]


def _listed(vault: hvac.Client, path: str) -> set[str]:
    with explained(vault.url, f"{path!r} can't be listed"):
        answer = vault.list(path)
    return set(answer["data"]["keys"]) if answer else set()


def _devices(tenancy: Tenancy, devices: Sequence[Device]) -> Finding:
    """Each device with one of the tenant's tags is one of its hosts, let in by a key of its own."""
    own = {host.mesh_address for host in tenancy.hosts}
    prefix = f"tag:{tenant_tag(tenancy.tenant)}-"
    tagged = [device for device in devices if any(tag.startswith(prefix) for tag in device.tags)]
    objections = [f"{device} is no host of its" for device in tagged if device.address not in own]
    objections += [f"{device} is not authorised" for device in tagged if not device.is_authorized]
    objections += [f"{device} is not ephemeral" for device in tagged if not device.is_ephemeral]
    return found(tenancy.tenant, "tailnet", "its hosts' devices alone", objections)
