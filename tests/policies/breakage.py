"""Ways in which a stack's program can be broken, each of which the pack has to notice.

A breakage is applied in the program's own process, before the program runs: by a transformation of what it
registers, or by a component's method that is replaced. `extra` declares more, afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pulumi

Props = dict[str, Any]


def _nothing() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """`rule` is the name of the one that must notice it; `what` says it in a few words.

    `stack` is the kind of stack that it breaks.
    """

    name: str
    rule: str
    what: str
    apply: Callable[[], object] = _nothing
    extra: Callable[[], object] = _nothing
    stack: str = "tenant"


def changing(type_: str, change: Callable[[Props], object], *, name: str = "") -> Callable[[], None]:
    """Change the inputs (in Python's spelling) of every resource of a type whose name contains `name`."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != type_ or name not in args.name:
            return None
        props = dict(args.props)
        change(props)
        return pulumi.ResourceTransformationResult(props, args.opts)

    return lambda: pulumi.runtime.register_stack_transformation(transform)


def setting(type_: str, *, name: str = "", **values: Any) -> Callable[[], None]:
    """Set inputs (in Python's spelling) of every resource of a type whose name contains `name`."""
    return changing(type_, lambda props: props.update(values), name=name)


def with_options(type_: str, options: pulumi.ResourceOptions, *, name: str = "") -> Callable[[], None]:
    """Merge options into those of every resource of a type whose name contains `name`."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != type_ or name not in args.name:
            return None
        merged = pulumi.ResourceOptions.merge(args.opts, options)
        return pulumi.ResourceTransformationResult(args.props, merged)

    return lambda: pulumi.runtime.register_stack_transformation(transform)


def replacing(target: str, replacement: Any) -> Callable[[], object]:
    """Replace a component's method, or a constant, until the process ends (or `patch.stopall`)."""
    return lambda: patch(target, replacement).start()
