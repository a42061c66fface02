"""What a stack exports: a change of it is one that no resource shows, and other stacks read it."""

from stacks.steps import Outputs

BY_TENANT = frozenset({"tenant_cas", "role_ids"})
"""What the platform exports of each tenant (stacks/platform_outputs.py): a new one changes nobody else's."""

TENANTS = "tenants"


def changed_exports(outputs: Outputs) -> tuple[str, ...]:
    """The names of those that would differ. A secret's value isn't shown, and so not compared."""
    names = outputs.old.keys() | outputs.new.keys()
    return tuple(sorted(name for name in names if _differs(name, outputs)))


def _differs(name: str, outputs: Outputs) -> bool:
    old, new = outputs.old.get(name), outputs.new.get(name)
    if name in BY_TENANT and isinstance(old, dict) and isinstance(new, dict):
        return any(old[tenant] != new[tenant] for tenant in old.keys() & new.keys())
    return bool(old != new)


def read_by_tenants(exports: tuple[str, ...]) -> str:
    """A note for when the platform's exports change; empty when tenants that are there read nothing else.

    They read the platform's state: their previews know of such a change only when it is up.
    """
    names = ", ".join(name for name in exports if name != TENANTS)
    if not names:
        return ""
    return (
        f"the platform will export another {names}, which tenants read: preview them all again once it is up"
    )
