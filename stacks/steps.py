"""What a preview says of each resource: the operation, and which of its properties ask for it.

Secrets come masked from the engine; of the other values only keys are to be shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stacks.events import decoded

SAME = frozenset({"same", "read"})
STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is to become of one resource. `old` and `new` are inputs; empty where there is none.

    `changed` are the paths of the properties that differ, `replacing` those that can't be changed in place.
    """

    urn: str
    operation: str
    kind: str
    old: Mapping[str, Any] = field(default_factory=dict, repr=False)
    new: Mapping[str, Any] = field(default_factory=dict, repr=False)
    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a stack exports, before and after."""

    old: Mapping[str, Any] = field(repr=False)
    new: Mapping[str, Any] = field(repr=False)


def step_of(line: str) -> Step | Outputs | None:
    """The step that a line of the engine's output announces, or the stack's outputs; None for other lines."""
    raw = decoded(line)
    if before := raw.get("resourcePreEvent"):
        return _step(before["metadata"])
    after = (raw.get("resOutputsEvent") or {}).get("metadata")
    if after and after.get("type") == STACK:
        old, new = _ends(after, "outputs")
        return Outputs(old=old, new=new)
    return None


def drift_of(line: str) -> Step | None:
    """What a line of a refresh says of a resource that isn't as its state has it; None for other lines.

    A refresh announces nothing: what it found comes with the outputs.
    """
    metadata = (decoded(line).get("resOutputsEvent") or {}).get("metadata")
    if not metadata or metadata.get("type") == STACK or metadata["op"] in {*SAME, "refresh"}:
        return None
    step = _step(metadata)
    if step.changed:
        return step
    return replace(step, changed=tuple(sorted(_differing(*_ends(metadata, "outputs")))))


def _ends(metadata: Mapping[str, Any], part: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What was and what is to be, of a resource's inputs or outputs."""
    old, new = ((metadata.get(end) or {}).get(part) or {} for end in ("old", "new"))
    return old, new


def _step(metadata: Mapping[str, Any]) -> Step:
    old, new = _ends(metadata, "inputs")
    detailed: Mapping[str, Mapping[str, Any]] = metadata.get("detailedDiff") or {}
    replacing = [path for path, diff in detailed.items() if "replace" in str(diff.get("diffKind", ""))]
    return Step(
        urn=str(metadata["urn"]),
        operation=str(metadata["op"]),
        kind=str(metadata.get("type", "")),
        old=old,
        new=new,
        changed=tuple(sorted(detailed or metadata.get("diffs") or _differing(old, new))),
        replacing=tuple(sorted(replacing or metadata.get("keys") or ())),
    )


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """For a component, whose inputs no provider compares. Nothing for what comes or goes as a whole."""
    if not old or not new:
        return []
    return [key for key in {*old, *new} if key != "__defaults" and old.get(key) != new.get(key)]
