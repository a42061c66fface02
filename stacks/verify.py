"""`python -m stacks.verify [tenant…]`: measure that tenants are what they should be. See docs/verify.md.

It runs on the operator's machine, a member of the mesh, and enters every host over it. One probe is started
in every host and asked everything: so the hosts work side by side, and each is entered once. Nothing is left
behind: listeners end with the probe, tables are rolled back.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from components.naming import PLATFORM
from components.tailnet import Tailnet
from components.vault_client import vault_client
from stacks import operations
from stacks.checkpoint import Checkpoint
from stacks.engine import Engine
from stacks.identity import operator_identity
from stacks.inventory import Inventory
from stacks.platform_outputs import PlatformOutputs, refuse_unlisted
from stacks.project import Project
from stacks.verification import mutual_tls, platform_checks
from stacks.verification.findings import Finding
from stacks.verification.hosts import Pinned, shared, tenancy
from stacks.verification.report import as_json, show
from stacks.verification.ssh import MeshTransport
from stacks.verification.verification import verify_tenancies


async def measure(engine: Engine, tenants: Sequence[str]) -> list[Finding]:
    """Every finding about these tenants, and about what all share. Raises StacksError, ComponentError.

    Each SSH client of this process finds the operator's identity by SSH_AUTH_SOCK in the environment.
    """
    tailnet, vault, inventory = Tailnet(), vault_client(), Inventory()
    exported = await asyncio.gather(*(engine.export(stack) for stack in (PLATFORM, *tenants)))
    platform = PlatformOutputs.of_checkpoint(exported[0])
    for tenant in tenants:
        refuse_unlisted(tenant, platform)
    devices = await asyncio.to_thread(tailnet.devices)
    tenancies = [
        tenancy(inventory, tenant, devices, _pinned(Checkpoint(state or {})))
        for tenant, state in zip(tenants, exported[1:], strict=True)
    ]
    common = shared(devices, platform.mesh.coordination[0].partition("/")[0])
    of_hosts = await verify_tenancies(tenancies, common, MeshTransport())  # which waits for their boots
    return [
        *await asyncio.to_thread(platform_checks.findings, platform, tenancies, devices, tailnet, vault),
        *of_hosts,
        *await mutual_tls.runtime_apis(tenancies, mutual_tls.credentials(vault, tenants)),
    ]


def _pinned(checkpoint: Checkpoint) -> dict[str, Pinned]:
    """By host, what its stack exported of it; a host that isn't finished has nothing."""
    hosts = checkpoint.outputs.get("hosts") or {}
    return {
        name: Pinned(device_id=known["device_id"], host_key=known["host_key"])
        for name, known in hosts.items()
        if known.get("device_id") and known.get("host_key")
    }


def verify(
    tenants: Annotated[list[str] | None, typer.Argument(help="Which tenants; all that have a spec.")] = None,
    *,
    json: Annotated[bool, typer.Option(help="Print every finding as JSON.")] = False,
) -> None:
    """Try every permitted flow and a sample of the forbidden ones, and check each host."""
    project = Project.of_environment()
    engine = Engine(project)
    chosen = tuple(dict.fromkeys(tenants or project.tenants))
    order = {tenant: number for number, tenant in enumerate((PLATFORM, *chosen))}

    async def work() -> int:
        with operator_identity(chosen) as identity:
            os.environ.update(identity)
            measured = await measure(engine, chosen)
        findings = sorted(measured, key=lambda each: order[each.tenant])
        if json:
            sys.stdout.write(as_json(findings) + "\n")
        else:
            show(findings)
        return 0 if all(each.passed for each in findings) else 1

    sys.exit(operations.command(engine, work, operations.errors_console()))


if __name__ == "__main__":
    operations.start(verify)
