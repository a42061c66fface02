"""`TenantSpec`: all that is decided about one tenant, as docs/spec.md describes it.

It is what `Pulumi.<tenant>.yaml` holds under `tenantry:spec`. Sizes, regions and images are words here:
whether they exist is asked of DigitalOcean before anything is created (stacks/catalogue.py).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from components.naming import AGENT_MAX_LENGTH, AGENT_PATTERN, check_tenant
from stacks.addressing import LEDGER, Ledger, range_of, shape_objection
from stacks.errors import UNREADABLE, ProjectError, unreadable
from stacks.spec_errors import Problem, SpecError, explained

CONFIG_KEY = "tenantry:spec"
MAX_DROPLETS = 50
"""Agents' droplets in one tenant."""

_SINGLE_ADDRESSES = 3
"""Beside droplets and database nodes: the guardrail, the cache, and the NAT gateway."""

_SSH_KEY_TYPES = ("ssh-ed25519 ", "sk-ssh-ed25519@openssh.com ", "ecdsa-sha2-nistp256 ", "ssh-rsa ")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


def _network(value: object) -> IPv4Network:
    try:
        block = IPv4Network(str(value))
    except ValueError as error:
        msg = f"{error}; write an IPv4 range as a text, for instance '10.32.0.0/24'"
        raise ValueError(msg) from error
    if objection := shape_objection(block):
        raise ValueError(objection)
    return block


def _public_key(value: str) -> str:
    """Without the comment: it isn't looked at by anybody, and may look like a secret."""
    if "\n" in value.strip() or not value.startswith(_SSH_KEY_TYPES) or len(value.split()) < 2:
        msg = "write one public key in OpenSSH's format, for instance 'ssh-ed25519 AAAA… name'"
        raise ValueError(msg)
    return " ".join(value.split()[:2])


class Strict(BaseModel):
    """A part of a spec: nothing is converted, nothing unknown is let through."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class AgentSpec(Strict):
    """An agent: `replicas` droplets of one size that run the same thing.

    With `data_gib` each of them has an encrypted volume of that size, DigitalOcean's 1 to 16384 GiB.
    """

    name: Annotated[str, Field(pattern=AGENT_PATTERN, max_length=AGENT_MAX_LENGTH)]
    kind: Literal["langchain", "openclaw", "n8n"]
    model: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[A-Za-z0-9._:-]+$", max_length=100)]
    size: Slug = "s-1vcpu-1gb"
    replicas: Annotated[int, Field(ge=1)] = 1
    data_gib: Annotated[int, Field(ge=1, le=16384)] | None = None


def _agents_fit(agents: tuple[AgentSpec, ...]) -> tuple[AgentSpec, ...]:
    counted = Counter(agent.name for agent in agents)
    if twice := sorted(name for name, count in counted.items() if count > 1):
        raise refusal(f"{twice[0]!r} {counted[twice[0]]} times", "give each agent a name of its own")
    droplets = sum(agent.replicas for agent in agents)
    if not 1 <= droplets <= MAX_DROPLETS:
        raise refusal(
            f"{droplets} droplets in all", f"a tenant has 1 to {MAX_DROPLETS}; change agents or replicas"
        )
    return agents


def refusal(got: str, fix: str) -> PydanticCustomError:
    """A refusal whose value is more telling than the field's own."""
    return PydanticCustomError("refused", "{fix}", {"got": got, "fix": fix})


class GuardrailSpec(Strict):
    """The guardrail's droplet."""

    size: Slug = "s-1vcpu-2gb"


class DatabaseSpec(Strict):
    """The PostgreSQL cluster; more than one node means standbys."""

    size: Slug = "db-s-1vcpu-1gb"
    version: Literal["16", "17", "18"] = "18"
    node_count: Annotated[int, Field(ge=1, le=3)] = 1


class CacheSpec(Strict):
    """The Valkey cluster. With `noeviction`, a full cache refuses writes and no queued job is lost."""

    size: Slug = "db-s-1vcpu-1gb"
    version: Literal["8"] = "8"
    eviction_policy: Literal[
        "noeviction", "allkeys_lru", "allkeys_random", "volatile_lru", "volatile_random", "volatile_ttl"
    ] = "noeviction"


class TenantSpec(Strict):
    """One tenant, as its customer wants it."""

    tenant: Annotated[str, AfterValidator(check_tenant)]
    region: Slug
    agents: Annotated[tuple[AgentSpec, ...], Field(strict=False), AfterValidator(_agents_fit)]
    ip_range: Annotated[IPv4Network, BeforeValidator(_network)] | None = None
    image: Slug = "debian-12-x64"
    guardrail: GuardrailSpec = GuardrailSpec()
    database: DatabaseSpec = DatabaseSpec()
    cache: CacheSpec = CacheSpec()
    ssh_keys: Annotated[
        tuple[Annotated[str, AfterValidator(_public_key)], ...], Field(strict=False, max_length=20)
    ] = ()
    deletion_protection: bool = True

    @property
    def droplets(self) -> int:
        """How many droplets its agents are."""
        return sum(agent.replicas for agent in self.agents)

    @property
    def addresses(self) -> int:
        """How many addresses of its VPC it needs."""
        return self.droplets + self.database.node_count + _SINGLE_ADDRESSES


def parse_spec(content: object) -> TenantSpec:
    """The spec that plain data describes. Raises SpecError, which names every field that is wrong."""
    if not isinstance(content, Mapping):
        fix = "write a mapping with the fields of docs/spec.md"
        raise SpecError("the spec", [Problem(field="spec", value=type(content).__name__, fix=fix)])
    try:
        return TenantSpec.model_validate(content)
    except ValidationError as error:
        raise SpecError(_subject(content), explained(error, TenantSpec)) from None


def load_spec(path: Path) -> TenantSpec:
    """The spec in a file `Pulumi.<tenant>.yaml`. Raises SpecError, ProjectError when it can't be read."""
    spec = parse_spec(spec_in(path))
    if path.name != f"Pulumi.{spec.tenant}.yaml":
        fix = f"name the file Pulumi.{spec.tenant}.yaml, or write the tenant that it is for"
        raise SpecError(str(path), [Problem(field="tenant", value=repr(spec.tenant), fix=fix)])
    return spec


def load_specs(paths: Sequence[Path], ledger: Path = LEDGER) -> dict[str, TenantSpec]:
    """Several files' specs by tenant, each with an address range of its own.

    Raises SpecError, ProjectError; what needs DigitalOcean's word is checked by the program.
    """
    specs = [load_spec(path) for path in paths]
    known = Ledger.read(ledger)
    for spec in specs:
        block = range_of(spec.tenant, spec.ip_range, spec.addresses, known)
        known = Ledger(ranges={**known.ranges, spec.tenant: block})
    return {spec.tenant: spec for spec in specs}


def spec_in(path: Path) -> object:
    """What a file `Pulumi.<stack>.yaml` holds as its spec, unchecked. Raises ProjectError."""
    try:
        content = yaml.safe_load(path.read_text())
    except UNREADABLE as error:
        msg = f"can't read {path}: {unreadable(error)}; it should be YAML with `config: {{{CONFIG_KEY}: …}}`"
        raise ProjectError(msg) from error
    config = content.get("config") if isinstance(content, dict) else None
    return config.get(CONFIG_KEY) if isinstance(config, dict) else None


def _subject(content: Mapping[Any, Any]) -> str:
    tenant = content.get("tenant")
    return f"the spec of {tenant!r}" if isinstance(tenant, str) and len(tenant) < 64 else "the spec"
