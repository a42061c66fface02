"""`platform_program(spec)`: what tenants share, as the stack `platform`: the tailnet's policy, the vault.

What Tailscale or the vault has only one of is here, and each tenant's place in it; a tenant's own stack has
everything else of it. A tenant leaves here last: its keys go with its place in the vault.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_tailscale as tailscale

from components.naming import PLATFORM, resource_name
from components.tailnet_policy import MARK, policy_text
from components.vault import SharedVault, SharedVaultArgs, TenantVault, TenantVaultArgs
from components.vault_client import explained, vault_client
from stacks.errors import PlatformError, ProjectError
from stacks.platform_outputs import stack_name, stack_outputs, stack_resources
from stacks.platform_spec import MeshSpec, PlatformSpec


def platform_program(spec: PlatformSpec) -> None:
    """Declares what tenants share, and exports what their stacks read (stacks/platform_outputs.py).

    Raises ProjectError, PlatformError, VaultError before any resource is declared.
    """
    vault = _vault(os.environ)
    _ask_vault()
    _refuse_lost_tenants(spec)
    _tailnet_policy(spec.tenants, overwrite=_policy_is_ours())
    shared = SharedVault(f"{PLATFORM}-vault", SharedVaultArgs(tenants=tuple(sorted(spec.tenants))))
    tenants = {
        tenant: TenantVault(
            resource_name(tenant, "vault", "main"), TenantVaultArgs(tenant=tenant, shared=shared)
        )
        for tenant in sorted(spec.tenants)
    }
    pulumi.export("tenants", sorted(spec.tenants))
    pulumi.export("mesh", _mesh(spec.mesh))
    pulumi.export("vault", vault)
    pulumi.export("ssh_ca", shared.ssh_ca)
    pulumi.export("tenant_cas", {tenant: own.certificate for tenant, own in tenants.items()})
    pulumi.export("role_ids", {tenant: own.role_ids for tenant, own in tenants.items()})


def _vault(environment: Mapping[str, str]) -> dict[str, str]:
    """Where tenants' hosts find the vault, and by which CA they know it; a public CA needs no naming."""
    address = environment.get("VAULT_ADDR")
    if not address:
        msg = "no VAULT_ADDR: set it, or run this through `python -m local_cloud exec --`"
        raise ProjectError(msg)
    path = environment.get("VAULT_CACERT")
    try:
        return {"address": address, "certificate": Path(path).read_text() if path else ""}
    except OSError as error:
        msg = f"can't read VAULT_CACERT {path!r}: {error.strerror}; set it to the PEM file of the vault's CA"
        raise ProjectError(msg) from error


def _ask_vault() -> None:
    """One error about a vault that doesn't answer or is sealed, and not one for each resource."""
    vault = vault_client()
    with explained(vault.url, f"nothing of the stack {PLATFORM!r} was changed"):
        vault.auth.token.lookup_self()


def _refuse_lost_tenants(spec: PlatformSpec) -> None:
    """A tenant that is taken out of the spec while it has resources would lose its keys and its mesh."""
    before = stack_outputs(stack_name(PLATFORM)) or {}
    for tenant in sorted({*before.get("tenants", ())}.difference(spec.tenants)):
        urns = stack_resources(stack_name(tenant)) or ()
        if count := sum("::pulumi:" not in urn for urn in urns):
            msg = (
                f"tenant {tenant!r} was taken out of Pulumi.{PLATFORM}.yaml while its stack still has "
                f"resources ({count}), which would lose their keys and the mesh: write it there again, run "
                f"`python -m stacks.destroy {tenant}`, then take it out"
            )
            raise PlatformError(msg)


def _policy_is_ours() -> bool:
    """Whether the tailnet has a policy that Tenantry wrote. Raises PlatformError."""
    try:
        return tailscale.get_acl().hujson.startswith(MARK)
    except Exception as error:  # the SDK raises nothing narrower for a call that failed
        reason = str(error).rpartition(" returned an error: ")[2]
        msg = f"nothing of the stack {PLATFORM!r} was changed: the tailnet's policy can't be read: {reason}"
        raise PlatformError(msg) from error


def _tailnet_policy(tenants: Iterable[str], *, overwrite: bool) -> None:
    """Replaces the policy of a new tailnet, or our own; one that somebody wrote is theirs to import.

    A destroyed platform leaves its policy: Tailscale's default lets everybody reach everything.
    """
    tailscale.Acl(
        resource_name(PLATFORM, "tailnet", "policy"),
        acl=policy_text(tenants),
        overwrite_existing_content=overwrite,
        reset_acl_on_destroy=False,
        opts=pulumi.ResourceOptions(ignore_changes=["overwriteExistingContent"]),
    )


def _mesh(mesh: MeshSpec) -> dict[str, Any]:
    return {
        "login_server": mesh.login_server,
        "coordination": [str(block) for block in mesh.coordination],
        "peers": [str(block) for block in mesh.peers],
    }
