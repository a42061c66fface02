"""What a rule is: a check, and everything that a person needs to know of it. Imports nothing of Pulumi's.

A check is a generator of messages, one for each thing that is wrong. A message names resources and keys,
never values: checks see secrets in plaintext, and what they say is not masked. No check may raise on a value
that a preview doesn't know: it reads through `Resource.get`, which answers UNKNOWN, and decides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from policies.reading import Resource

Config = Mapping[str, Any]
Finding = str
"""One thing that is wrong with the resource at hand."""

EVERY_TYPE = ":"
"""In a rule's `types`: resources of whatever provider."""


class Severity(StrEnum):
    """How bad a violation is. Every rule is mandatory, whatever its severity."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Theme(StrEnum):
    """What rules are about; each theme is a module."""

    NETWORK = "network"
    HOSTS = "hosts"
    DATA = "data"
    MESH = "mesh"
    VAULT = "vault"
    REMOTE = "remote"
    TENANCY = "tenancy"
    COST = "cost"


@dataclass(frozen=True, kw_only=True)
class Control:
    """What a framework asks for, by the framework's own number."""

    framework: Literal["CIS DigitalOcean Services 1.0.0", "NIST SP 800-207", "SOC 2"]
    number: str

    def __str__(self) -> str:
        return f"{self.framework}: {self.number}"


def cis(number: str) -> Control:
    """A recommendation of the CIS DigitalOcean Services Benchmark 1.0.0."""
    return Control(framework="CIS DigitalOcean Services 1.0.0", number=number)


def nist(tenet: int) -> Control:
    """A tenet of zero trust, as NIST SP 800-207 numbers them in section 2.1 (1 to 7)."""
    return Control(framework="NIST SP 800-207", number=f"tenet {tenet}")


def soc2(criterion: str) -> Control:
    """One of the AICPA's trust services criteria, for instance `CC6.6`."""
    return Control(framework="SOC 2", number=criterion)


TEXTS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
"""The schema of a setting that is a list of texts."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A number or a list of a rule's, in the pack's config; `schema` is JSON Schema's."""

    schema: Mapping[str, Any]
    default: Any
    description: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What both kinds of rules share. `name` is what config, events and docs know it by.

    `title` says what holds where the rule is kept. `unknowns` says what becomes of values that a preview
    doesn't know.
    """

    name: str
    theme: Theme
    title: str
    why: str
    severity: Severity
    controls: Sequence[Control]
    remediation: str
    unknowns: str
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def configured(self, given: Config) -> Config:
        """The rule's settings: those given, and the defaults of the others."""
        return {name: given.get(name, setting.default) for name, setting in self.settings.items()}


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """Checked before each resource of the given types is made, so it prevents.

    `types` are type tokens; a token that ends with `:` stands for all that begin with it, and EVERY_TYPE for
    all there are. `mend` gives the properties of a resource as they should be, or None to leave it: for what
    is safe to set right.
    """

    types: Sequence[str]
    check: Callable[[Resource, Config], Iterable[Finding]]
    mend: Callable[[Resource], Mapping[str, Any] | None] | None = None

    def concerns(self, type_: str) -> bool:
        """Whether the rule has anything to say about a resource of this type."""
        return any(
            each in (type_, EVERY_TYPE) or (each.endswith(":") and type_.startswith(each))
            for each in self.types
        )

    def findings(self, resource: Resource, config: Config) -> Iterator[Finding]:
        """What is wrong with a resource; nothing for one of another type."""
        if self.concerns(resource.type):
            yield from self.check(resource, self.configured(config))


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """Checked once all resources are known: in an update that is too late to prevent, in a preview it isn't.

    A check yields the resource that is wrong, and what is wrong with it.
    """

    check: Callable[[Sequence[Resource], Config], Iterable[tuple[Resource, Finding]]]

    def findings(self, resources: Sequence[Resource], config: Config) -> Iterator[tuple[Resource, Finding]]:
        """What is wrong with the stack."""
        yield from self.check(resources, self.configured(config))
