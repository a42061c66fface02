"""What every rule is tried with: resources that pass, that violate, and that a preview doesn't know whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policies.rule import Rule

UNKNOWN = UNKNOWN_STRING_VALUE
"""A value that a preview doesn't know, as the engine hands it to a pack."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """A resource: inputs in the engine's spelling; `parents` are type tokens, outermost first.

    `sources` names, for each property, resources of the same stack that it is made from.
    """

    type: str
    name: str
    props: Mapping[str, Any]
    stack: str = "acme"
    parents: Sequence[str] = ()
    protect: bool = False
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def urn(self) -> str:
        path = "$".join((*self.parents, self.type))
        return f"urn:pulumi:{self.stack}::tenantry::{path}::{self.name}"

    def but(self, **changes: Any) -> "Given":
        """The same with other properties; one that is None is left out."""
        props = {key: value for key, value in {**self.props, **changes}.items() if value is not None}
        return Given(**{**self.__dict__, "props": props})


Example = Given | Sequence[Given]
"""A resource for a resource rule, a whole stack for a stack rule."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule's examples. `unknown` says of each whether the preview accepts it."""

    rule: Rule
    passes: Sequence[Example]
    violates: Sequence[Example]
    unknown: Sequence[tuple[Example, bool]]
    config: Mapping[str, Any] = field(default_factory=dict)
