"""What to do with a stack that a crash left behind, decided before anything is done.

The plan is made of what the state says was begun, and of what the account has. Everything in it is said
first; doing it twice does nothing more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stacks.checkpoint import Checkpoint, Pending
from stacks.events import name_of
from stacks.inventory import Thing
from stacks.resource_types import DATABASE_DB, DATABASE_USER, VOLUME


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """A create whose end nobody recorded: the thing is there, and becomes the resource."""

    pending: Pending
    thing: Thing

    def __str__(self) -> str:
        return f"adopt {self.thing}: an interrupted create of the program's"


@dataclass(frozen=True, kw_only=True)
class Forget:
    """A create that never reached the account, or that can be repeated without harm."""

    pending: Pending

    def __str__(self) -> str:
        return f"forget the create of {name_of(self.pending.urn)}: nothing of it is in the account"


@dataclass(frozen=True, kw_only=True)
class Import:
    """A thing the state doesn't know and the program wants: it becomes the resource `urn`."""

    urn: str
    thing: Thing

    def __str__(self) -> str:
        return f"adopt {self.thing}: no state knows it, and the program wants it"


@dataclass(frozen=True, kw_only=True)
class Delete:
    """A thing the state doesn't know."""

    thing: Thing
    why: str = "no state knows it"

    def __str__(self) -> str:
        return f"delete {self.thing}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Leave:
    """A thing the state doesn't know and the program doesn't want, that only a person may delete."""

    thing: Thing

    def __str__(self) -> str:
        return f"leave {self.thing}, which holds data and nobody wants any more: delete it yourself"


Step = Adopt | Forget | Import | Delete | Leave


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps for one tenant, in order."""

    steps: tuple[Step, ...] = ()
    unsettled: tuple[Pending, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.unsettled

    @property
    def adopted(self) -> dict[str, str]:
        """The ids of completed creates, by URN."""
        return {step.pending.urn: step.thing.id for step in self.steps if isinstance(step, Adopt)}

    @property
    def edits_state(self) -> bool:
        return any(isinstance(step, Adopt | Forget) for step in self.steps)


Wanted = dict[tuple[str, str], str]
"""The URNs of what the program would create, by kind and logical name."""

NEVER_IMPORTED = frozenset({"digitalocean:index/droplet:Droplet"})
"""A droplet's user data can't be read back, so nobody can say that a stray one is what the program wants."""

NEVER_DELETED = frozenset({VOLUME})
"""A volume outlives its host, and has a customer's data: that no state knows it makes it no rubbish."""


def plan(checkpoint: Checkpoint, things: Sequence[Thing], wanted: Wanted | None = None) -> Plan:
    """What brings state and account together. `things` is all the tenant has, with what its clusters hold."""
    known = checkpoint.identities
    unknown = [thing for thing in things if thing.identity not in known]
    steps: list[Step] = []
    for pending in checkpoint.pending():
        if pending.is_create:
            match = _match(pending, unknown)
            if match is None:
                steps.append(Forget(pending=pending))
            else:
                unknown.remove(match)
                steps.append(Adopt(pending=pending, thing=match))
    steps += _orphans(unknown, wanted or {})
    unsettled = tuple(pending for pending in checkpoint.pending() if not pending.is_create)
    return Plan(steps=tuple(steps), unsettled=unsettled)


def _match(pending: Pending, things: Iterable[Thing]) -> Thing | None:
    """The oldest thing of the create's kind and name; a second one is an orphan."""
    found = [
        thing
        for thing in things
        if (thing.kind, thing.name) == (pending.kind, pending.name) and thing.cluster == pending.cluster
    ]
    return min(found, key=lambda thing: (thing.created, thing.id), default=None)


def _orphans(things: Iterable[Thing], wanted: Wanted) -> Iterator[Step]:
    """What lies inside a cluster goes with it, and is never deleted by itself."""
    claimed = dict(wanted)
    for thing in things:
        inside = thing.kind in {DATABASE_USER, DATABASE_DB}
        urn = None if thing.kind in NEVER_IMPORTED else claimed.pop((thing.kind, thing.name), None)
        if urn is not None:
            yield Import(urn=urn, thing=thing)
        elif thing.kind in NEVER_DELETED:
            yield Leave(thing=thing)
        elif not inside:
            yield Delete(thing=thing, why=_why(thing))


def _why(thing: Thing) -> str:
    if thing.kind in NEVER_IMPORTED:
        return "no state knows it, and what it was started with can't be read back"
    return "no state knows it, and the program doesn't want it, or has it already"


def perform(
    steps: Iterable[Step], delete: Callable[[Thing], None], *, say: Callable[[str], None]
) -> list[Thing]:
    """Delete what is to be deleted, each said before it is done."""
    deleted = []
    for step in steps:
        if isinstance(step, Delete):
            say(str(step))
            delete(step.thing)
            deleted.append(step.thing)
    return deleted
