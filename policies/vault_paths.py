"""Where the platform writes in the vault, and what is read there strictly: a path names whose it is.

What a rule doesn't know a field of, the vault may: so rules name the fields that there may be, and refuse any
other.
"""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from components.flows import HOST_TIERS
from components.naming import NameRefusedError, check_tenant
from policies.reading import Resource, plain
from policies.rule import Finding

HOUR = 3600
DAY = 24 * HOUR

_TENANT = r"(?P<tenant>[a-z0-9-]+)"
_ROLE = rf"tenant-{_TENANT}-(?P<role>{'|'.join(HOST_TIERS)})"
POLICY = re.compile(rf"sys/policies/acl/{_ROLE}")
APP_ROLE = re.compile(rf"auth/approle/role/{_ROLE}")
PKI_ROLE = re.compile(rf"tenants/{_TENANT}/pki/roles/(?P<role>{'|'.join(HOST_TIERS)}|control-plane)")
SSH_ROLE = re.compile(r"ssh/roles/control-plane")
MOUNT = re.compile(rf"tenants/{_TENANT}/(?P<kind>keys|volumes|pki)")
PKI_MOUNT = re.compile(rf"tenants/{_TENANT}/pki")
SSH_MOUNT = re.compile(r"ssh")
LOGIN = re.compile(r"approle")


def place(resource: Resource, *patterns: re.Pattern[str]) -> re.Match[str] | None:
    """The resource's path, when it is of one of the forms, and of somebody who may be a tenant."""
    path = resource.get("path")
    if not isinstance(path, str):
        return None
    found = next(filter(None, (pattern.fullmatch(path) for pattern in patterns)), None)
    if found is None:
        return None
    try:
        check_tenant(found.groupdict().get("tenant", "nobody"))
    except NameRefusedError:
        return None
    return found


def fields(resource: Resource, key: str = "data") -> Mapping[str, Any]:
    """What is written, those that aren't known as UNKNOWN; empty when there is nothing to be read."""
    found = resource.get(key)
    return plain(found) if isinstance(found, Mapping) else {}


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """The fields that aren't as they have to be, or aren't known."""
    for key, value in wanted.items():
        if found.get(key) != value or isinstance(found.get(key), bool) is not isinstance(value, bool):
            yield f"`data.{key}` isn't what it has to be, or isn't known before the update"


def unread(found: Mapping[str, Any], known: Set[str]) -> Iterator[Finding]:
    """The fields that no rule reads."""
    for key in sorted(found.keys() - known):
        yield f"`data.{key}` is a field that no rule reads"


def lasts(seconds: Any, longest: int, *, shortest: int = 1) -> bool:
    """Whether it is a number of seconds between the two."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return is_number and shortest <= seconds <= longest
