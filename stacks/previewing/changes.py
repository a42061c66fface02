"""What becomes of each resource, from the steps of a preview: one change where the engine has three steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from policies.resource_types import VAULT_MOUNT
from stacks.events import kind_of, name_of
from stacks.resource_types import DATABASE_CLUSTER, DATABASE_DB, DROPLET, VOLUME
from stacks.steps import Step

DATA = frozenset({DATABASE_CLUSTER, DATABASE_DB, VOLUME, VAULT_MOUNT})
"""What holds a customer's data or keys: whoever replaces or deletes it loses them."""

NOT_SHOWN = ("pulumi:pulumi:", "tenantry:index:")
"""Stacks and components: nothing in the cloud, their children are shown."""

PROVIDER = "pulumi:providers:"


class Action(StrEnum):
    """What becomes of a resource, the worst first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    IMPORT = "import"
    CREATE = "create"


WORST_FIRST = tuple(Action)

NOTHING = frozenset({"same", "read", "refresh", "discard", "read-discard", "read-replacement"})
ACTIONS = {
    "create": Action.CREATE,
    "delete": Action.DELETE,
    "import": Action.IMPORT,
    "replace": Action.REPLACE,
    "create-replacement": Action.REPLACE,
    "import-replacement": Action.REPLACE,
    "delete-replaced": Action.REPLACE,
    "remove-pending-replace": Action.REPLACE,
}
"""By the engine's words; one that it may learn later counts as an update, so that it is seen."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that changes. `forcing` are paths that can't be changed in place, `keys` the others."""

    urn: str
    kind: str
    action: Action
    forcing: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How it is named: `Droplet acme-guardrail-1`."""
        return f"{self.word} {self.name}"

    @property
    def word(self) -> str:
        return self.kind.rsplit(":", 1)[-1] or kind_of(self.urn)

    @property
    def name(self) -> str:
        return name_of(self.urn)

    @property
    def loses_data(self) -> bool:
        return self.kind in DATA and self.action in (Action.DELETE, Action.REPLACE)

    @property
    def replaces_a_host(self) -> bool:
        return self.kind == DROPLET and self.action in (Action.DELETE, Action.REPLACE)


def changes_of(steps: Iterable[Step]) -> tuple[Change, ...]:
    """What changes, what loses data first, then the worst first."""
    found: dict[tuple[str, Action], Change] = {}
    for step in steps:
        action = _action(step)
        if action is None:
            continue
        known = found.get((step.urn, action))
        forcing = {*step.replacing, *(known.forcing if known else ())}
        keys = {*step.changed, *(known.keys if known else ())} - forcing
        found[step.urn, action] = Change(
            urn=step.urn,
            kind=step.kind,
            action=action,
            forcing=tuple(sorted(forcing)),
            keys=tuple(sorted(keys)),
        )
    return tuple(sorted(found.values(), key=_order))


def _action(step: Step) -> Action | None:
    if step.operation in NOTHING or step.kind.startswith(NOT_SHOWN):
        return None
    action = ACTIONS.get(step.operation, Action.UPDATE)
    comes_or_goes = action in (Action.CREATE, Action.DELETE)
    return None if comes_or_goes and step.kind.startswith(PROVIDER) else action


def _order(change: Change) -> tuple[bool, bool, int, str, str]:
    rank = WORST_FIRST.index(change.action)
    return not change.loses_data, not change.replaces_a_host, rank, change.kind, change.name
