"""Rules of cost: a tenant's resources stay within its budget."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from policies.prices import monthly
from policies.reading import Resource
from policies.rule import Config, Finding, Rule, Setting, Severity, StackRule, Theme, soc2

_DOLLARS = {"type": "number", "minimum": 0}


def _within(resources: Sequence[Resource], config: Config) -> Iterator[tuple[Resource, Finding]]:
    priced: list[tuple[Decimal, Resource]] = []
    for each in resources:
        if not each.is_of_a_tenant:
            continue
        price = monthly(each.type, each.props)
        if price is None:
            yield (
                each,
                "nobody can tell what it costs: its type or its size has no price in policies/prices.py",
            )
        elif price:
            priced.append((price, each))
    if not priced:
        return
    total = sum(price for price, _ in priced)
    dearest = max(priced, key=lambda each: each[0])[1]
    budget = config["budgets"].get(dearest.stack, config["monthly_usd"])
    if total > Decimal(str(budget)):
        yield (
            dearest,
            "it is the dearest of resources that cost more a month together than the tenant's budget",
        )


TENANT_BUDGET = StackRule(
    name="tenant-budget",
    theme=Theme.COST,
    title="A tenant costs no more a month than its budget.",
    why="One word in a spec is a hundred times the price, and nobody sees it before the invoice.",
    severity=Severity.MEDIUM,
    controls=(soc2("CC5.2"),),
    remediation="Take smaller sizes or fewer replicas, or give the tenant more in the setting `budgets`.",
    unknowns="refused: what decides a price is written in the spec",
    settings={
        "monthly_usd": Setting(
            schema=_DOLLARS,
            default=500,
            description="Dollars a month, for tenants that `budgets` doesn't name.",
        ),
        "budgets": Setting(
            schema={"type": "object", "additionalProperties": _DOLLARS},
            default={},
            description="Dollars a month, by tenant.",
        ),
    },
    check=_within,
)

RULES: tuple[Rule, ...] = (TENANT_BUDGET,)
