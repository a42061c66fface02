"""What the engine says while it works, as a model of our own; text and JSON are views of it.

The engine's `--json` prints one event a line; of its thirty kinds these are the ones that a person wants.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

Operation = str
"""The engine's word: create, update, replace, delete, same, refresh, import, …"""

EXPECTED_WARNINGS = ("using pulumi-language-",)
"""The engine's wonder that a language host is on PATH; the toolchain put it there."""

TRACEBACK = "Traceback (most recent call last):"
EXPECTED_ERROR = re.compile(r"^components\.[\w.]+Error: (.*)\Z", re.MULTILINE | re.DOTALL)
"""How a traceback ends when a provider of ours gave up for a reason that it knows."""

CANT_RUN = ("can't run policy", "can't run remediation")
"""How the SDK says that a rule met a value that it needs and a preview doesn't know."""

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
class Violation:
    """A resource breaks a rule of a policy pack, or a rule couldn't be run, which counts for as much.

    `urn` is empty for what is wrong with the whole stack. The text names keys, never values.
    """

    policy: str
    text: str
    urn: str = ""
    severity: str = ""
    enforcement: str = "mandatory"

    @property
    def is_mandatory(self) -> bool:
        return self.enforcement == "mandatory"


@dataclass(frozen=True, kw_only=True)
class Remediated:
    """A rule set something right by itself."""

    policy: str
    urn: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The end of an update: how many resources each operation touched, and by which policy packs' leave."""

    changes: dict[Operation, int]
    seconds: int
    result: str
    packs: tuple[str, ...] = ()


Event = Started | Finished | Failed | Message | Violation | Remediated | Summary
SEVERITIES: dict[str, Literal["error", "warning", "info"]] = {
    "error": "error",
    "warning": "warning",
    "info": "info",
    "info#err": "info",
}


def parse(line: str) -> Event | None:
    """The event of one line of the engine's output, or None for what nobody needs to see."""
    raw = decoded(line)
    for key, read in _READERS.items():
        if content := raw.get(key):
            return read(content)
    return None


def decoded(line: str) -> dict[str, Any]:
    """The object that a line of the engine's output is; empty for any other line."""
    try:
        raw = json.loads(line)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}


def _message(diagnostic: dict[str, Any]) -> Message | None:
    severity = SEVERITIES.get(str(diagnostic.get("severity")))
    text = _without_traceback(str(diagnostic.get("message", "")).rstrip())
    if severity is None or diagnostic.get("ephemeral") or not text or text.startswith(EXPECTED_WARNINGS):
        return None
    return Message(severity=severity, text=text, urn=str(diagnostic.get("urn") or ""))


def _without_traceback(text: str) -> str:
    """The message alone, when it is an expected error of a dynamic provider, which comes in a traceback.

    Of any other error the traceback is what there is to go by.
    """
    if not text.startswith(TRACEBACK):
        return text
    said = EXPECTED_ERROR.search(text)
    return said[1] if said else text


def _violation(event: dict[str, Any]) -> Violation:
    """The SDK puts the rule's description before the message.

    What the engine takes for a mere advice, a rule that can't run, is a violation here.
    """
    text = str(event.get("message", "")).strip()
    described, _, said = text.partition("\n")
    stopped = text.startswith(CANT_RUN)
    return Violation(
        policy=str(event.get("policyName", "")),
        text=said or described,
        urn=str(event.get("resourceUrn") or ""),
        severity=str(event.get("severity") or "high"),
        enforcement="mandatory" if stopped else str(event.get("enforcementLevel", "mandatory")),
    )


def _remediated(event: dict[str, Any]) -> Remediated:
    return Remediated(policy=str(event["policyName"]), urn=str(event.get("resourceUrn") or ""))


def _summary(summary: dict[str, Any]) -> Summary:
    return Summary(
        changes=dict(summary.get("resourceChanges") or {}),
        seconds=int(summary.get("durationSeconds") or 0),
        result=str(summary.get("result", "")),
        packs=tuple(name.split("|")[0] for name in summary.get("PolicyPacks") or {}),
    )


def _of_resource(kind: type[Started | Finished | Failed], event: dict[str, Any]) -> Event | None:
    metadata = event.get("metadata")
    return kind(urn=str(metadata["urn"]), operation=str(metadata["op"])) if metadata else None


_READERS: dict[str, Callable[[dict[str, Any]], Event | None]] = {
    "diagnosticEvent": _message,
    "policyEvent": _violation,
    "policyRemediationEvent": _remediated,
    "summaryEvent": _summary,
    "resourcePreEvent": partial(_of_resource, Started),
    "resOutputsEvent": partial(_of_resource, Finished),
    "resOpFailedEvent": partial(_of_resource, Failed),
}


def name_of(urn: str) -> str:
    """The resource's logical name, the last part of its URN."""
    return urn.rsplit("::", 1)[-1]


def kind_of(urn: str) -> str:
    """The short word for a resource's type: `Droplet` for `digitalocean:index/droplet:Droplet`."""
    parts = urn.split("::")
    return parts[2].split("$")[-1].rsplit(":", 1)[-1] if len(parts) > 3 else ""
