"""What the engine says while it works, as a model of our own; text and JSON are views of it.

The engine's `--json` prints one event a line; of its thirty kinds these are the ones that a person wants.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

Operation = str
"""The engine's word: create, update, replace, delete, same, refresh, import, …"""

EXPECTED_WARNINGS = ("using pulumi-language-",)
"""The engine's wonder that a language host is on PATH; the toolchain put it there."""

QUIET_OPERATIONS = frozenset({"same", "read", "refresh", "create-replacement", "delete-replaced", "discard"})


@dataclass(frozen=True, kw_only=True)
class Started:
    """Work on a resource has begun."""

    urn: str
    operation: Operation


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A resource is as wanted; `seconds` is for how long the engine worked on it, when it started visibly."""

    urn: str
    operation: Operation


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Work on a resource failed; the reason comes as a Message of the same URN."""

    urn: str
    operation: Operation


@dataclass(frozen=True, kw_only=True)
class Message:
    """An error or warning of the engine, a provider or the program. `urn` is empty for the whole stack's."""

    severity: Literal["error", "warning", "info"]
    text: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The end of an update: how many resources each operation touched."""

    changes: dict[Operation, int]
    seconds: int
    result: str


Event = Started | Finished | Failed | Message | Summary
SEVERITIES: dict[str, Literal["error", "warning", "info"]] = {
    "error": "error",
    "warning": "warning",
    "info": "info",
    "info#err": "info",
}


def parse(line: str) -> Event | None:
    """The event of one line of the engine's output, or None for what nobody needs to see."""
    try:
        raw = json.loads(line)
    except ValueError:
        return None
    if not isinstance(raw, dict):
        return None
    if diagnostic := raw.get("diagnosticEvent"):
        return _message(diagnostic)
    if summary := raw.get("summaryEvent"):
        return Summary(
            changes=dict(summary.get("resourceChanges") or {}),
            seconds=int(summary.get("durationSeconds") or 0),
            result=str(summary.get("result", "")),
        )
    return _of_resource(raw)


def _message(diagnostic: dict[str, Any]) -> Message | None:
    severity = SEVERITIES.get(str(diagnostic.get("severity")))
    text = str(diagnostic.get("message", "")).rstrip()
    if severity is None or diagnostic.get("ephemeral") or not text or text.startswith(EXPECTED_WARNINGS):
        return None
    return Message(severity=severity, text=text, urn=str(diagnostic.get("urn") or ""))


def _of_resource(raw: dict[str, Any]) -> Event | None:
    for key, kind in (
        ("resourcePreEvent", Started),
        ("resOutputsEvent", Finished),
        ("resOpFailedEvent", Failed),
    ):
        metadata = (raw.get(key) or {}).get("metadata")
        if metadata:
            return kind(urn=str(metadata["urn"]), operation=str(metadata["op"]))
    return None


def name_of(urn: str) -> str:
    """The resource's logical name, the last part of its URN."""
    return urn.rsplit("::", 1)[-1]


def kind_of(urn: str) -> str:
    """The short word for a resource's type: `Droplet` for `digitalocean:index/droplet:Droplet`."""
    parts = urn.split("::")
    return parts[2].split("$")[-1].rsplit(":", 1)[-1] if len(parts) > 3 else ""
