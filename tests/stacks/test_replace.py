"""Which resources stand for a host that is to be replaced."""

import asyncio
from typing import Any

import pytest

from stacks.checkpoint import Checkpoint
from stacks.errors import ProjectError
from stacks.replace import keys_by_host, keys_of
from stacks.resource_types import TAILNET_KEY


def _urn(tenant: str, host: str) -> str:
    return f"urn:pulumi:{tenant}::tenantry::tenantry:index:HardenedHost${TAILNET_KEY}::{host}-mesh-key"


def _exported(tenant: str, *hosts: str) -> dict[str, Any]:
    droplet = f"urn:pulumi:{tenant}::tenantry::digitalocean:index/droplet:Droplet::{tenant}-agent-a-1"
    return {"deployment": {"resources": [{"urn": _urn(tenant, host)} for host in hosts] + [{"urn": droplet}]}}


class Exporting:
    """An engine that can only export: two tenants of two hosts, and one that is not up."""

    async def export(self, tenant: str) -> dict[str, Any] | None:
        return (
            None if tenant == "initech" else _exported(tenant, f"{tenant}-agent-a-1", f"{tenant}-guardrail-1")
        )


def _keys(*hosts: str) -> dict[str, tuple[str, ...]]:
    return asyncio.run(keys_of(Exporting(), ("acme", "globex", "initech"), hosts))  # type: ignore[arg-type]


def test_a_host_is_replaced_by_its_key_alone() -> None:
    found = keys_by_host(Checkpoint(_exported("acme", "acme-agent-a-1")))
    assert found == {"acme-agent-a-1": _urn("acme", "acme-agent-a-1")}, "its droplet is made with it"


def test_hosts_are_found_in_their_tenants_stacks_and_no_other_stack_is_touched() -> None:
    assert _keys("acme-agent-a-1") == {"acme": (_urn("acme", "acme-agent-a-1"),)}


def test_hosts_of_several_tenants_are_replaced_at_once() -> None:
    found = _keys("acme-agent-a-1", "acme-guardrail-1", "globex-guardrail-1")
    assert {tenant: len(urns) for tenant, urns in found.items()} == {"acme": 2, "globex": 1}


def test_a_host_that_no_stack_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ProjectError, match=r"no stack has a host 'acme-agent-b-1'.*acme-agent-a-1, acme-guard"
    ):
        _keys("acme-guardrail-1", "acme-agent-b-1")
