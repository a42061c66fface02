"""What answers of services must be like: the tenant's memory and cache, its guardrail, and the vault."""

import re
from collections.abc import Mapping
from typing import Any

from stacks.verification.findings import Facts, Objections

NEAREST = "nearest=1"
OK, FORBIDDEN, NOT_FOUND = 200, 403, 404


def nearest_neighbour(answer: Facts) -> Objections:
    """The query found the nearest point, by way of the HNSW index."""
    out = str(answer["out"])
    if answer["code"]:
        return [f"psql ended with {answer['code']}: {answer['err']}"]
    objections = [] if NEAREST in out.splitlines() else [f"the nearest point isn't the first: {out[-80:]!r}"]
    if not re.search(r"Index Scan using \S*embedding\S* on tenantry_probe", out):
        objections.append(f"the plan doesn't use the HNSW index: {out[:200]!r}")
    return objections


def pong(answer: Facts) -> Objections:
    """The cache answered a PING."""
    if answer["code"] or answer["out"] != "PONG":
        return [f"redis-cli ended with {answer['code']}: {answer['out'] or answer['err']}"]
    return []


def mutual_tls(answer: Facts) -> Objections:
    """The guardrail knows its agents by their certificates, and nobody without one."""
    objections = []
    if answer["with_certificate"] != OK:
        objections.append(f"with its certificate the guardrail answers {answer['with_certificate']}")
    if answer["without_certificate"] == OK:
        objections.append("the guardrail answers without a certificate")
    return objections


def vault_rights(answer: Facts, own: frozenset[str]) -> Objections:
    """A guardrail's token reads its own tenant's keys (there may be none yet), and nothing of others."""
    statuses: Mapping[str, Any] | None = answer["statuses"]
    if statuses is None:
        return ["the guardrail has no token of the vault"]
    return [
        f"reading {path} ends with {status}"
        for path, status in statuses.items()
        if status not in ((OK, NOT_FOUND) if path in own else (FORBIDDEN,))
    ]
