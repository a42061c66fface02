"""The tailnet's policy file as its rules read it: just what our own file has, and nothing else.

Tailscale takes keys in any case, the last of two that are equal, and older names for some (`users`, `ports`).
So what isn't written as ours is can't be read: it would open what no rule sees.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from components.flows import HOST_TIERS, Endpoint
from components.naming import CONTROL_PLANE_TAG, VAULT_TAG, NameRefusedError, check_tenant

SECTIONS = frozenset({"tagOwners", "acls", "tests"})
"""Grants, SSH rules, routes and attributes of nodes would let things through that no rule reads."""

SHARED = {CONTROL_PLANE_TAG: Endpoint.CONTROL_PLANE, VAULT_TAG: Endpoint.VAULT}

_RULE = frozenset({"action", "src", "proto", "dst"})
_TENANTS_TAG = re.compile(rf"tag:tenant-(?P<tenant>[a-z0-9-]+)-(?P<tier>{'|'.join(HOST_TIERS)})")
_COMMENT_LINE = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_PORTS = re.compile(r"[0-9]{1,5}(,[0-9]{1,5})*")


@dataclass(frozen=True)
class Member:
    """A tag in the file, by what it is: an end of the table of flows, and whose."""

    end: Endpoint
    tenant: str | None = None


@dataclass(frozen=True)
class Opening:
    """One pair of ends that a rule connects, at one port."""

    source: Member
    target: Member
    port: int
    protocol: str


@lru_cache(maxsize=4)
def parsed(text: str) -> Mapping[str, Any] | None:
    """The file as data; None when it can't be read, or has one key twice.

    HuJSON is a subset of JSON5, whose parser takes seconds for a file of fifty tenants; ours is JSON but for
    lines that are comments.
    """
    try:
        found = json.loads(_COMMENT_LINE.sub("", text), object_pairs_hook=_without_twins)
    except (ValueError, RecursionError):
        found = _relaxed(text)
    return found if isinstance(found, Mapping) else None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a key stands twice in one object; take one out"
        raise ValueError(msg)
    return found


def _relaxed(text: str) -> Any:
    import json5  # noqa: PLC0415 - seldom needed, and slow to import

    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError):
        return None


def member(tag: object) -> Member | None:
    """What a tag stands for; None for anything else than a tag of ours."""
    return _member(tag) if isinstance(tag, str) else None


@lru_cache(maxsize=1024)
def _member(tag: str) -> Member | None:
    if tag in SHARED:
        return Member(SHARED[tag])
    found = _TENANTS_TAG.fullmatch(tag)
    try:
        return Member(Endpoint(found["tier"]), check_tenant(found["tenant"])) if found else None
    except NameRefusedError:
        return None


def destination(text: object) -> tuple[Member, tuple[int, ...]] | None:
    """The member and the single ports of `tag:vault:8200`; None for anything else."""
    tag, _, ports = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    found = member(tag)
    if found is None or not _PORTS.fullmatch(ports):
        return None
    return found, tuple(map(int, ports.split(",")))


def listed(value: object) -> list[Any]:
    """A list, or nothing in the place of what is none."""
    return value if isinstance(value, list) else []


def owners(file: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section `tagOwners`."""
    found = file.get("tagOwners")
    return found if isinstance(found, Mapping) else {}


def openings(rule: object) -> list[Opening] | None:
    """What a rule opens; None when it isn't of the form that our own rules have."""
    if not isinstance(rule, Mapping) or set(rule) != _RULE or rule["action"] != "accept":
        return None
    sources = [member(tag) for tag in listed(rule["src"])]
    targets = [destination(text) for text in listed(rule["dst"])]
    if not sources or not targets or None in sources or None in targets:
        return None
    return list(_openings(filter(None, sources), list(filter(None, targets)), str(rule["proto"])))


def _openings(
    sources: Iterable[Member], targets: Iterable[tuple[Member, tuple[int, ...]]], protocol: str
) -> Iterator[Opening]:
    for source in sources:
        for target, ports in targets:
            for port in ports:
                yield Opening(source, target, port, protocol)


def denials(file: Mapping[str, Any]) -> Mapping[str, list[Member]]:
    """Whom the file's tests deny each tag, by TCP; what can't be read denies nobody anything."""
    found: dict[str, list[Member]] = {}
    for test in listed(file.get("tests")):
        if isinstance(test, Mapping) and member(test.get("src")) and test.get("proto", "tcp") == "tcp":
            ends = map(destination, listed(test.get("deny")))
            found.setdefault(test["src"], []).extend(end[0] for end in ends if end)
    return found
