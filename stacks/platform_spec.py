"""`PlatformSpec`: what is decided once for all tenants, as docs/spec.md describes it.

It is what `Pulumi.platform.yaml` holds under `tenantry:spec`. The vault's address and CA are not in it: they
come from VAULT_ADDR and VAULT_CACERT, as for every other tool of the vault's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from components.naming import check_tenant
from stacks.spec import Strict, refusal, spec_in
from stacks.spec_errors import Problem, SpecError, explained

COORDINATION = (IPv4Network("192.200.0.0/24"),)
"""Tailscale's coordination servers (its documentation, "What firewall ports should I open")."""


def _block(value: object) -> IPv4Network:
    try:
        return IPv4Network(str(value))
    except ValueError as error:
        msg = f"{error}; write an IPv4 range as a text, for instance '192.200.0.0/24'"
        raise ValueError(msg) from error


def _all_differ(tenants: tuple[str, ...]) -> tuple[str, ...]:
    counted = Counter(tenants)
    if twice := sorted(name for name, count in counted.items() if count > 1):
        raise refusal(f"{twice[0]!r} {counted[twice[0]]} times", "write each tenant once")
    return tenants


def _not_empty(blocks: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    if not blocks:
        raise refusal("no range", "write at least one, or leave the field out for Tailscale's own")
    return blocks


Blocks = Annotated[tuple[Annotated[IPv4Network, BeforeValidator(_block)], ...], Field(strict=False)]


class MeshSpec(Strict):
    """Where hosts find the mesh. The defaults are Tailscale's own; without `peers` all goes by relays."""

    login_server: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?$")] | None = None
    coordination: Annotated[Blocks, AfterValidator(_not_empty)] = COORDINATION
    peers: Blocks = ()


class PlatformSpec(Strict):
    """What tenants share, and which tenants there are."""

    tenants: Annotated[
        tuple[Annotated[str, AfterValidator(check_tenant)], ...],
        Field(strict=False),
        AfterValidator(_all_differ),
    ]
    mesh: MeshSpec = MeshSpec()


def parse_platform_spec(content: object) -> PlatformSpec:
    """The spec that plain data describes. Raises SpecError, which names every field that is wrong."""
    if not isinstance(content, Mapping):
        fix = "write a mapping with the fields of docs/spec.md"
        problem = Problem(field="spec", value=type(content).__name__, fix=fix)
        raise SpecError("the platform's spec", [problem])
    try:
        return PlatformSpec.model_validate(content)
    except ValidationError as error:
        raise SpecError("the platform's spec", explained(error, PlatformSpec)) from None


def load_platform_spec(path: Path) -> PlatformSpec:
    """The spec in `Pulumi.platform.yaml`. Raises SpecError, ProjectError when it can't be read."""
    return parse_platform_spec(spec_in(path))


def refuse_unlisted(spec: PlatformSpec, tenants: Iterable[str]) -> None:
    """Raises SpecError when a tenant isn't the platform's: it would have no mesh and no vault."""
    fix = "add it to `tenants`, and bring the platform up first: python -m stacks.up platform"
    listed = ", ".join(spec.tenants) or "nobody"
    problems = [
        Problem(field="tenants", value=f"{listed}, and not {tenant!r}", fix=fix)
        for tenant in tenants
        if tenant not in spec.tenants
    ]
    if problems:
        raise SpecError("the platform's spec", problems)
