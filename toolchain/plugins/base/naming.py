"""Names for what the program leaves unnamed: `<logical name>-<7 hex digits>`, as in the official bridge."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

DEFAULTS = "__defaults"
HEX_DIGITS = 7
LONGEST_NAME = 255

Modes = provider_pb2.CheckRequest.AutonamingOptions


def autoname(request: provider_pb2.CheckRequest, olds: Mapping[str, Any]) -> str | None:
    """The physical name: the old one if it was given automatically, else a new one. None when disabled."""
    if "name" in (olds.get(DEFAULTS) or ()) and olds.get("name"):
        return str(olds["name"])
    if request.HasField("autonaming"):
        return None if request.autonaming.mode == Modes.DISABLE else str(request.autonaming.proposed_name)
    logical = request.name or request.urn.rsplit("::", 1)[-1]
    return f"{logical[: LONGEST_NAME - HEX_DIGITS - 1]}-{_suffix(request.randomSeed)}"


def _suffix(seed: bytes) -> str:
    """Digits from the engine's seed, so that an update gives the name that its preview showed."""
    return hashlib.sha256(seed).hexdigest()[:HEX_DIGITS] if seed else secrets.token_hex(4)[:HEX_DIGITS]
