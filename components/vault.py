"""What tenants have in the vault, as resources: what they share, and what is each one's own.

Made through dynamic providers (components/vault_provider.py), whose inputs and outputs hold nothing secret:
paths, policies, lifetimes, and the public halves of authorities. What is made is components/vault_layout.py's
word. Deliberately no secret is a resource: customers' keys, volumes' keys, secret ids and tokens never pass
the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from components import vault_layout as layout
from components.naming import resource_name
from components.props import props
from components.tokens import SHARED_VAULT, TENANT_VAULT
from components.vault_provider import (
    AppRoleProvider,
    AuthMethodProvider,
    CertificateAuthorityProvider,
    MountProvider,
    SettingProvider,
    SshAuthorityProvider,
)


class VaultMount(Resource, module="tenantry", name="VaultMount"):
    """A secrets engine at a path."""

    def __init__(
        self,
        name: str,
        path: str,
        kind: str,
        *,
        options: Mapping[str, str] | None = None,
        config: Mapping[str, int] | None = None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {"path": path, "type": kind, "options": dict(options or {}), "config": dict(config or {})}
        super().__init__(MountProvider(), name, inputs, opts)


class VaultAuthMethod(Resource, module="tenantry", name="VaultAuthMethod"):
    """A way to log in, at a path."""

    def __init__(self, name: str, path: str, opts: pulumi.ResourceOptions) -> None:
        inputs = {"path": path, "type": path, "options": {}, "config": {}}
        super().__init__(AuthMethodProvider(), name, inputs, opts)


class VaultSetting(Resource, module="tenantry", name="VaultSetting"):
    """A policy, or a role of a mount."""

    def __init__(self, name: str, path: str, data: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SettingProvider(), name, {"path": path, "data": dict(data)}, opts)


class VaultAppRole(Resource, module="tenantry", name="VaultAppRole"):
    """A role by which a host logs in."""

    role_id: pulumi.Output[str]

    def __init__(self, name: str, path: str, data: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(AppRoleProvider(), name, {"path": path, "data": dict(data), "role_id": None}, opts)


class VaultAuthority(Resource, module="tenantry", name="VaultAuthority"):
    """A signing key in a mount; `public` is its certificate (PEM), or its public key (OpenSSH)."""

    public: pulumi.Output[str]

    def __init__(
        self,
        provider: CertificateAuthorityProvider | SshAuthorityProvider,
        name: str,
        mount: str,
        settings: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {"path": mount, "settings": dict(settings), "public": None}
        super().__init__(provider, name, inputs, opts)


@dataclass(frozen=True, kw_only=True)
class SharedVaultArgs:
    """`tenants` are those whose hosts the control plane may enter."""

    tenants: tuple[str, ...]


class SharedVault(pulumi.ComponentResource):
    """The login of hosts, and the authority by which they know the operator."""

    ssh_ca: pulumi.Output[str]

    def __init__(self, name: str, args: SharedVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SHARED_VAULT, name, props(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        self.approle = VaultAuthMethod(f"{name}-approle", layout.APPROLE, child)
        mount = VaultMount(f"{name}-ssh", layout.SSH, "ssh", opts=child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[mount], deleted_with=mount)
        authority = VaultAuthority(
            SshAuthorityProvider(),
            f"{name}-ssh-authority",
            layout.SSH,
            layout.SSH_AUTHORITY,
            inside,
        )
        role = layout.ssh_role(args.tenants)
        VaultSetting(f"{name}-ssh-role", f"{layout.SSH}/roles/{layout.SSH_ROLE}", role, inside)
        self.ssh_ca = authority.public
        self.register_outputs({"ssh_ca": self.ssh_ca})


@dataclass(frozen=True, kw_only=True)
class TenantVaultArgs:
    """Every path and every right follows from the name of the `tenant`; its roles log in at the `shared`."""

    tenant: str
    shared: SharedVault = field(metadata={"ordering": True})


class TenantVault(pulumi.ComponentResource):
    """A tenant's mounts, authority, policies and AppRoles. Deleting it deletes the customer's keys."""

    certificate: pulumi.Output[str]
    role_ids: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: TenantVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TENANT_VAULT, name, props(args), opts)
        self._tenant = args.tenant
        self._child = pulumi.ResourceOptions(parent=self)
        for key, path in (("keys", layout.keys_mount), ("volumes", layout.volumes_mount)):
            self._mount(key, path(args.tenant), "kv", options={"version": "2"})
        self.certificate = self._authority()
        self.role_ids = {role: self._role(role, args.shared) for role in layout.ROLES}
        self.register_outputs({"certificate": self.certificate, "role_ids": self.role_ids})

    def _mount(self, key: str, path: str, kind: str, **settings: Any) -> VaultMount:
        return VaultMount(self._called(key), path, kind, opts=self._child, **settings)

    def _authority(self) -> pulumi.Output[str]:
        path = layout.pki_mount(self._tenant)
        mount = self._mount("pki", path, "pki", config={"max_lease_ttl": layout.AUTHORITY_SECONDS})
        inside = pulumi.ResourceOptions(parent=self, depends_on=[mount], deleted_with=mount)
        authority = VaultAuthority(
            CertificateAuthorityProvider(),
            self._called("authority"),
            path,
            layout.authority(self._tenant),
            inside,
        )
        for role, data in layout.pki_roles(self._tenant).items():
            VaultSetting(self._called(f"pki-{role}"), f"{path}/roles/{role}", data, inside)
        return authority.public

    def _role(self, role: layout.Role, shared: SharedVault) -> pulumi.Output[str]:
        name = layout.role_name(self._tenant, role)
        text = {"policy": layout.policy(self._tenant, role)}
        policy = VaultSetting(self._called(f"policy-{role}"), f"sys/policies/acl/{name}", text, self._child)
        after = pulumi.ResourceOptions(
            parent=self, depends_on=[policy, shared.approle], deleted_with=shared.approle
        )
        path = f"auth/{layout.APPROLE}/role/{name}"
        data = layout.app_role(self._tenant, role)
        return VaultAppRole(self._called(f"approle-{role}"), path, data, after).role_id

    def _called(self, key: str) -> str:
        return resource_name(self._tenant, "vault", key)
