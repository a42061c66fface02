"""The common case of DigitalOcean's API: a collection that things are made in, read and deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import PartialFailure, ProviderError, Undone
from toolchain.plugins.base.facts import ResourceFacts, snake
from toolchain.plugins.base.resource import Reading, Resource
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Api, Json
from toolchain.plugins.digitalocean.translate import from_api, present, to_api

CLOCK_SKEW = timedelta(seconds=30)
"""How far DigitalOcean's clock and ours may differ when a lost create is looked for."""
REMOVAL_SECONDS = 300.0


@dataclass(frozen=True)
class Readiness:
    """The field that tells that a thing is ready, and how long that may take."""

    field: str
    ready: frozenset[str]
    failed: frozenset[str] = frozenset()
    seconds: float = 900.0


class Collection(Resource):
    """A resource that is one item of a collection of the API; subclasses say what differs."""

    group: ClassVar[str]
    """The group of pydo's operations."""
    envelope: ClassVar[str]
    """The key that holds the thing in the API's answers."""
    plural: ClassVar[str] = ""
    """The key that holds the things in the API's lists."""
    operations: ClassVar[Mapping[str, str]] = {}
    """The names of pydo's operations where they aren't create, get, update, delete, list."""
    renames: ClassVar[Mapping[str, str]] = {}
    """The API's names of properties, where they aren't just spelled in snake_case."""
    unsent: ClassVar[frozenset[str]] = frozenset()
    """Inputs that aren't part of a body."""
    readiness: ClassVar[Readiness | None] = None
    vanishes: ClassVar[bool] = False
    """Whether a deleted thing is still there for a while, and is waited for."""

    def __init__(self, facts: ResourceFacts, api: Api) -> None:
        super().__init__(facts)
        self.api = api

    # What subclasses may differ in

    def parents(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments of an operation before the thing's own id."""
        del values
        return ()

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        """The id that the state keeps."""
        del inputs
        return str(thing["id"])

    def locate(self, id: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments of `get`, `update` and `delete`. `state` is empty on import."""
        return (*self.parents(state), id)

    def body(self, inputs: Mapping[str, Any]) -> Json:
        """The inputs as the API takes them."""
        return present(
            {
                self.renames.get(name, snake(name)): to_api(value, self.facts.inputs[name].type)
                for name, value in inputs.items()
                if name not in self.unsent
            }
        )

    def state(self, thing: Json) -> Properties:
        """What the API says of the thing. What it doesn't say is left as it was."""
        known = {**self.facts.inputs, **self.facts.computed}
        names = {name: each for name, each in known.items() if name not in self.digests}
        keys = {name: self.renames.get(name, snake(name)) for name in names}
        return {name: from_api(thing[key], names[name].type) for name, key in keys.items() if key in thing}

    def finish(self, thing: Json, inputs: Properties) -> None:
        """What is left to do when the thing is there."""

    # The life of a thing

    def create(self, inputs: Properties) -> Reading:
        begun = datetime.now(UTC)
        answer = self.api.create(
            self.operation("create"),
            *self.parents(inputs),
            self.body(inputs),
            find=lambda: self.lost(inputs, begun),
        )
        thing = answer[self.envelope]
        identity = self.identify(thing, inputs)
        try:
            thing = self.settled(identity, inputs, answer)
            self.finish(thing, inputs)
        except Undone:
            raise
        except ProviderError as error:
            raise PartialFailure(str(error), id=identity, state=self.state(thing)) from error
        return Reading(identity, self.state(thing))

    def read(self, id: str, state: Properties) -> Reading | None:
        thing = self.get(id, state)
        if thing is None:
            return None
        return Reading(self.identify(thing, state), self.state(thing))

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        if any(
            not each.replace for each in self.facts.inputs.values()
        ):  # else only a retry of `finish` is left
            self.api.call(self.operation("update"), *self.locate(id, state), self.body(inputs))
        return self.state(self.expect(id, {**state, **inputs}))

    def delete(self, id: str, state: Properties) -> None:
        try:
            self.api.call(self.operation("delete"), *self.locate(id, state))
        except ApiError as error:
            if error.status != 404:
                raise
            return
        if self.vanishes:
            self.api.waiter.until(
                f"the removal of {id}",
                lambda: True if self.get(id, state) is None else None,
                seconds=REMOVAL_SECONDS,
            )

    # Steps

    def operation(self, verb: str) -> str:
        return f"{self.group}.{self.operations.get(verb, verb)}"

    def get(self, id: str, state: Mapping[str, Any]) -> Json | None:
        """The thing as the API has it; None when it is gone."""
        try:
            answer = self.api.call(self.operation("get"), *self.locate(id, state))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return self.unwrapped(answer)

    def unwrapped(self, answer: Json) -> Json:
        thing: Json = answer[self.envelope]
        return thing

    def expect(self, id: str, state: Mapping[str, Any]) -> Json:
        """The thing, which must be there."""
        if (thing := self.get(id, state)) is None:
            raise ProviderError(f"{id} is gone; run `pulumi refresh`, then the command again")
        return thing

    def settled(self, id: str, inputs: Properties, answer: Json) -> Json:
        """The thing, once it is ready."""
        thing: Json = answer[self.envelope]
        readiness = self.readiness
        if readiness is None:
            return thing

        def probe() -> Json | None:
            now = self.expect(id, inputs)
            found = str(now.get(readiness.field)).lower()
            if found in readiness.failed:
                raise ProviderError(
                    f"{id} has become {found}: {now.get('message') or 'DigitalOcean gives no reason'}"
                )
            return now if found in readiness.ready else None

        return self.api.waiter.until(f"{readiness.field} of {id}", probe, seconds=readiness.seconds)

    def lost(self, inputs: Mapping[str, Any], begun: datetime) -> Json | None:
        """The answer to a create whose connection broke, if it was carried out after all."""
        for thing in self.api.items(self.operation("list"), self.plural, *self.parents(inputs)):
            if self.is_what_was_asked(thing, inputs) and _made_since(thing, begun):
                return {self.envelope: thing}
        return None

    def is_what_was_asked(self, thing: Json, inputs: Mapping[str, Any]) -> bool:
        """Whether a listed thing is the one that these inputs make: here, by its name."""
        return thing.get("name") == inputs.get("name")


def _made_since(thing: Json, begun: datetime) -> bool:
    created = thing.get("created_at")
    if not isinstance(created, str):
        return True
    try:
        made = datetime.fromisoformat(created.replace(" +0000 UTC", "+00:00"))
    except ValueError:
        return True
    return made >= begun - CLOCK_SKEW
