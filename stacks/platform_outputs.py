"""What the stack `platform` tells the tenants' stacks, read before a tenant declares anything.

At once and not as Outputs: a tenant that the platform doesn't list is refused before its first resource, and
its hosts' firewalls are made of these ranges.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components.naming import PLATFORM
from components.vault_layout import ROLES
from stacks.checkpoint import Checkpoint
from stacks.errors import PlatformError

TORN = "EOF"
TORN_SECONDS = 5
"""The engine writes its state in place: who reads this very stack meanwhile may meet half a file."""

COMING = "TENANTRY_COMING_TENANTS"
"""Tenants, with commas between, that a preview is to take for listed (stacks/preview.py)."""

UP = f"python -m stacks.up {PLATFORM}"


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Where hosts find the mesh; `login_server` is None for Tailscale's own. The others are CIDRs."""

    login_server: str | None
    coordination: tuple[str, ...]
    peers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Vault:
    """`certificate` is the CA's, as PEM; empty when a public CA vouches for the vault."""

    address: str
    certificate: str


@dataclass(frozen=True, kw_only=True)
class PlatformOutputs:
    """`tenant_cas` and `role_ids` are by tenant, the latter by role too; `ssh_ca` is a public key's line."""

    tenants: tuple[str, ...]
    mesh: Mesh
    vault: Vault
    ssh_ca: str
    tenant_cas: Mapping[str, pulumi.Input[str]]
    role_ids: Mapping[str, Mapping[str, pulumi.Input[str]]]

    @classmethod
    def read(cls) -> "PlatformOutputs":
        """The platform's outputs, of the same project and organization. Raises PlatformError."""
        return cls.of(stack_outputs(stack_name(PLATFORM)))

    def expecting(self, tenants: Iterable[str]) -> "PlatformOutputs":
        """With tenants that the platform is yet to have, so that one change may add both to be previewed.

        What it will say of them isn't known before it comes up, and is shown as such.
        """
        coming = [tenant for tenant in tenants if tenant not in self.tenants]
        return replace(
            self,
            tenants=(*self.tenants, *coming),
            tenant_cas={**self.tenant_cas, **{tenant: _unknown() for tenant in coming}},
            role_ids={**self.role_ids, **{tenant: {role: _unknown() for role in ROLES} for tenant in coming}},
        )

    @classmethod
    def of_checkpoint(cls, exported: Mapping[str, Any] | None) -> "PlatformOutputs":
        """From the export of the platform's state; None stands for a stack that isn't there.

        Raises PlatformError.
        """
        return cls.of(None if exported is None else Checkpoint(exported).outputs)

    @classmethod
    def of(cls, outputs: Mapping[str, Any] | None) -> "PlatformOutputs":
        """From a stack's outputs as plain data; None stands for a stack that isn't there.

        Raises PlatformError.
        """
        if not outputs or "tenants" not in outputs:
            state = "has never come up" if outputs is not None else "isn't there"
            msg = f"the stack {PLATFORM!r} {state}, and tenants need it: run `{UP}` first"
            raise PlatformError(msg)
        return cls(
            tenants=tuple(outputs["tenants"]),
            mesh=Mesh(
                login_server=outputs["mesh"].get("login_server"),
                coordination=tuple(outputs["mesh"]["coordination"]),
                peers=tuple(outputs["mesh"]["peers"]),
            ),
            vault=Vault(**outputs["vault"]),
            ssh_ca=outputs["ssh_ca"],
            tenant_cas=outputs["tenant_cas"],
            role_ids=outputs["role_ids"],
        )


def _unknown() -> pulumi.Output[str]:
    loop = asyncio.get_event_loop()
    value: asyncio.Future[str] = loop.create_future()
    value.set_result("")
    is_known: asyncio.Future[bool] = loop.create_future()
    is_known.set_result(False)
    return pulumi.Output(set(), value, is_known)


def refuse_unlisted(tenant: str, platform: PlatformOutputs) -> None:
    """Raises PlatformError when the platform doesn't list the tenant: nothing of it would be reachable."""
    if tenant in platform.tenants:
        return
    listed = ", ".join(platform.tenants) or "none"
    msg = (
        f"tenant {tenant!r} is not in the stack {PLATFORM!r} (it has: {listed}): add `- {tenant}` to "
        f"`tenants` in Pulumi.{PLATFORM}.yaml, run `{UP}`, then bring the tenant up"
    )
    raise PlatformError(msg)


def stack_name(stack: str) -> str:
    """The full name of another stack of this project."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"


def stack_outputs(name: str) -> dict[str, Any] | None:
    """The outputs of another stack, by its full name; None when there is no such stack. Raises PlatformError.

    A StackReference would give Outputs, of which nothing can be decided before resources are declared.
    """
    return _asked("readStackOutputs", "name", name)


def stack_resources(name: str) -> dict[str, Any] | None:
    """The outputs of each resource of another stack, by URN; None when there is no such stack.

    Raises PlatformError.
    """
    return _asked("readStackResourceOutputs", "stackName", name)


def _asked(function: str, argument: str, name: str) -> dict[str, Any] | None:
    deadline = time.monotonic() + TORN_SECONDS
    while True:
        try:
            answer = pulumi.runtime.invoke(f"pulumi:pulumi:{function}", {argument: name})
        except Exception as error:  # the SDK raises nothing narrower for a call that failed
            if "unknown stack" in str(error):
                return None
            if TORN in str(error) and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            msg = f"the stack {name!r} can't be read: {error}"
            raise PlatformError(msg) from error
        outputs: dict[str, Any] = answer.value["outputs"]
        return outputs
