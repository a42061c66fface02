"""Which stacks a change touches. What isn't known to matter to fewer matters to all of them."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.naming import PLATFORM
from stacks.errors import UNREADABLE
from stacks.spec import CONFIG_KEY

LEDGER = "addresses.yaml"
PLATFORM_SPEC = f"Pulumi.{PLATFORM}.yaml"
SPEC = re.compile(r"Pulumi\.([^./]+)\.yaml")

PLATFORM_ONLY = frozenset(
    {"components/tailnet_policy.py", "stacks/platform_program.py", "stacks/platform_spec.py"}
)
"""Code that no tenant's program imports, which a test holds."""

HARMLESS_FOLDERS = (
    ".ci/",
    ".github/",
    "benchmarks/",
    "docs/",
    "local_cloud/",
    "tests/",
    "toolchain/",
)
HARMLESS_FILES = re.compile(
    r"[^/]+\.md|\.[^/]+|LICENSE|Makefile|bootstrap\.sh|pyproject\.toml|requirements-bootstrap\.lock"
)
"""What no program and no rule reads: dependencies are those of requirements.lock."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What two files say before the change, or after it; None when there is none, or none that can be read.

    `ranges` is by tenant; `platform` is the platform's spec.
    """

    ranges: Mapping[str, Any] | None
    platform: Mapping[str, Any] | None

    @classmethod
    def of(cls, ledger: str | None, platform: str | None) -> "Side":
        """From what the files hold."""
        return cls(ranges=_inside(ledger, "ranges"), platform=_inside(platform, "config", CONFIG_KEY))


@dataclass(frozen=True, kw_only=True)
class Touched:
    """`stacks` are to be previewed, the platform first; the spec of the `removed` has gone."""

    stacks: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def touched(changed: Iterable[str], specs: Collection[str], before: Side, after: Side) -> Touched:
    """The stacks that changed files touch; `specs` are those that have one now."""
    found: set[str] = set()
    removed: set[str] = set()
    for path in changed:
        if (spec := SPEC.fullmatch(path)) and spec[1] not in specs:
            removed.add(spec[1])
        found |= _by(path, frozenset(specs), before, after)
    return Touched(stacks=in_order(found), removed=tuple(sorted(removed)))


def in_order(stacks: Iterable[str]) -> tuple[str, ...]:
    """The platform first, then tenants by name."""
    return tuple(sorted(set(stacks), key=lambda stack: (stack != PLATFORM, stack)))


def _by(path: str, specs: frozenset[str], before: Side, after: Side) -> frozenset[str]:
    """The stacks with a spec that one changed file touches."""
    if path == LEDGER:
        return specs & _differing(before.ranges, after.ranges, specs)
    if path == PLATFORM_SPEC:
        listed = _differing(_listed(before.platform), _listed(after.platform), specs)
        return specs & {PLATFORM, *listed}
    if spec := SPEC.fullmatch(path):
        return specs & {spec[1]}
    if path in PLATFORM_ONLY:
        return specs & {PLATFORM} or specs
    harmless = path.startswith(HARMLESS_FOLDERS) or HARMLESS_FILES.fullmatch(path)
    return frozenset() if harmless else specs


def _differing(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, everything: frozenset[str]
) -> frozenset[str]:
    """The keys whose values differ; everything when a side can't be read."""
    if before is None or after is None:
        return everything
    return frozenset(key for key in {*before, *after} if before.get(key) != after.get(key))


def _listed(platform: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    tenants = None if platform is None else platform.get("tenants")
    return {str(tenant): True for tenant in tenants} if isinstance(tenants, list) else None


def _inside(text: str | None, *path: str) -> Mapping[str, Any] | None:
    try:
        content = yaml.safe_load(text or "")
    except UNREADABLE:
        return None
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else None
