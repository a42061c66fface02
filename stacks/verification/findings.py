"""What a verification finds: one thing that was looked at, and whether it is as it should be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.verification.hosts import Member

Facts = Mapping[str, Any]
Objections = list[str]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `detail` says what was found where it isn't as it should be."""

    tenant: str
    subject: str
    check: str
    passed: bool
    detail: str = ""


def finding(host: Member, check: str, objections: Objections) -> Finding:
    """A finding about a host, which passes when nothing is objected."""
    return found(host.tenant, host.name, check, objections)


def found(tenant: str, subject: str, check: str, objections: Objections) -> Finding:
    """A finding about anything, which passes when nothing is objected."""
    return Finding(
        tenant=tenant, subject=subject, check=check, passed=not objections, detail="; ".join(objections)
    )
