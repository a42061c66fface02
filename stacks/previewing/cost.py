"""What a stack costs a month, before a change and after it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stacks.events import kind_of, name_of
from stacks.steps import Step

Monthly = Callable[[str, Mapping[str, Any]], Decimal | None]
"""The price of a resource of a type with such inputs; None when it isn't known."""

GONE = frozenset({"delete", "delete-replaced", "discard", "read-discard"})
FREE = ("pulumi:pulumi:", "pulumi:providers:", "tenantry:index:")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Dollars a month. `unpriced` are resources whose price isn't known, before or after."""

    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()

    def __str__(self) -> str:
        known = f"{dollars(self.before)} → " if self.before != self.after else ""
        count = len(self.unpriced)
        unknown = f", {count} price{'s' if count > 1 else ''} unknown" if count else ""
        return f"{known}{dollars(self.after)} a month{unknown}"

    def __bool__(self) -> bool:
        """Whether there is anything to say of it."""
        return bool(self.before or self.after or self.unpriced)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            before=self.before + other.before,
            after=self.after + other.after,
            unpriced=(*self.unpriced, *other.unpriced),
        )


NOTHING = Cost()


def dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"


@dataclass(frozen=True, kw_only=True)
class _Priced:
    """`leaving` ones were replaced before, and wait for their deletion: they cost until then."""

    urn: str
    kind: str
    inputs: Mapping[str, Any]
    leaving: bool = False


def cost_of(resources: Sequence[Mapping[str, Any]], steps: Iterable[Step], monthly: Monthly) -> Cost:
    """From the resources of a checkpoint, and the steps that would be taken on them."""
    before = [
        _Priced(
            urn=str(each["urn"]),
            kind=str(each["type"]),
            inputs=each.get("inputs") or {},
            leaving=bool(each.get("delete")),
        )
        for each in resources
    ]
    staying = {each.urn: each for each in before if not each.leaving}
    old, unknown_before = _total(before, monthly)
    new, unknown_after = _total(_stepped(staying, tuple(steps)).values(), monthly)
    return Cost(before=old, after=new, unpriced=tuple(sorted(unknown_before | unknown_after)))


def _stepped(resources: Mapping[str, _Priced], steps: Sequence[Step]) -> dict[str, _Priced]:
    """What there will be. A URN that is deleted and also kept has an old copy that waits for its deletion."""
    staying = {step.urn for step in steps if step.operation not in GONE}
    after = dict(resources)
    for step in steps:
        if step.operation not in GONE:
            known = after.get(step.urn)
            inputs = step.new or (known.inputs if known else {})
            after[step.urn] = _Priced(urn=step.urn, kind=step.kind, inputs=inputs)
        elif step.urn not in staying:
            after.pop(step.urn, None)
    return after


def _total(resources: Iterable[_Priced], monthly: Monthly) -> tuple[Decimal, set[str]]:
    total, unknown = Decimal(0), set[str]()
    for each in resources:
        if each.kind.startswith(FREE):
            continue
        price = monthly(each.kind, each.inputs)
        if price is None:
            unknown.add(f"{kind_of(each.urn)} {name_of(each.urn)}")
        else:
            total += price
    return total, unknown
