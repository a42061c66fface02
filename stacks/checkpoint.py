"""A stack's checkpoint as `pulumi stack export` gives it, and the edit that completes an interrupted create.

The engine writes a pending operation, with every input, before it asks a provider to create something. When
it was killed before the answer came, that record and the id of what was created are together the resource.
The engine's own `refresh --import-pending-creates` should do this edit; in 3.259.0 it turns the operation
into `importing`, which nothing handles, and so drops it (seen: the resource isn't in the state afterwards).
And `pulumi import` takes the inputs from what the provider reads back, which has no user data: the next
update would replace the droplet.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the provider knows a resource by."""

    kind: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Pending:
    """An operation that was begun; `name` is the physical name among its inputs, `parent` a cluster's id."""

    urn: str
    kind: str
    operation: str
    name: str | None
    cluster: str | None = None

    @property
    def is_create(self) -> bool:
        return self.operation == "creating"


class Checkpoint:
    """An exported checkpoint. The edits return a new one."""

    def __init__(self, exported: Mapping[str, Any]) -> None:
        self._exported = dict(exported)
        self._deployment: dict[str, Any] = self._exported.get("deployment") or {}

    @property
    def exported(self) -> dict[str, Any]:
        """What `pulumi stack import` takes."""
        return self._exported

    @property
    def is_empty(self) -> bool:
        return not self._resources and not self._operations

    @property
    def identities(self) -> frozenset[Identity]:
        """Everything that the stack knows to exist."""
        return frozenset(
            Identity(kind=str(resource["type"]), id=str(resource["id"]))
            for resource in self._resources
            if resource.get("custom") and resource.get("id")
        )

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the stack exports; secrets are encrypted. Empty when it has never come up."""
        stacks = (each for each in self._resources if each["type"] == "pulumi:pulumi:Stack")
        return next(stacks, {}).get("outputs") or {}

    def named(self, kind: str) -> dict[str, str]:
        """The ids of a kind's resources, by logical name; what waits for its deletion is left out."""
        return {
            str(resource["urn"]).rsplit("::", 1)[-1]: str(resource["id"])
            for resource in self._resources
            if resource["type"] == kind and resource.get("id") and not resource.get("delete")
        }

    @property
    def urns(self) -> frozenset[str]:
        return frozenset(str(resource["urn"]) for resource in self._resources)

    def pending(self) -> Iterator[Pending]:
        """The operations that were begun, and whose end nobody recorded."""
        for operation in self._operations:
            resource = operation["resource"]
            inputs = resource.get("inputs") or {}
            yield Pending(
                urn=str(resource["urn"]),
                kind=str(resource["type"]),
                operation=str(operation["type"]),
                name=_text(inputs.get("name")),
                cluster=_text(inputs.get("clusterId")),
            )

    def resolved(self, adopted: Mapping[str, str]) -> "Checkpoint":
        """With the pending creates of the given URNs completed under the given ids, and all others forgotten.

        Pending updates and deletes stay: the refresh that follows looks what became of them.
        """
        exported = copy.deepcopy(self._exported)
        deployment = exported["deployment"]
        resources, kept = deployment.setdefault("resources", []), []
        for operation in deployment.get("pending_operations") or []:
            resource = operation["resource"]
            if operation["type"] != "creating":
                kept.append(operation)
            elif resource["urn"] in adopted:
                _retire(resources, resource["urn"])
                inputs = copy.deepcopy(resource.get("inputs") or {})
                resources.append({**resource, "id": adopted[resource["urn"]], "outputs": inputs})
        deployment["pending_operations"] = kept
        return Checkpoint(exported)

    @property
    def _resources(self) -> list[dict[str, Any]]:
        return self._deployment.get("resources") or []

    @property
    def _operations(self) -> list[dict[str, Any]]:
        return self._deployment.get("pending_operations") or []


def _retire(resources: list[dict[str, Any]], urn: str) -> None:
    """The next update deletes what the adopted was to replace, as the engine would have done."""
    for resource in resources:
        if resource["urn"] == urn:
            resource["delete"] = True


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
