"""`python -m stacks.verify [tenant…]`: measure that tenants are what they should be. See docs/verify.md.

One probe is started in every host, through its console, and asked everything: so the hosts work side by side,
and each is entered once. Nothing is left behind: listeners end with the probe, tables are rolled back.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any

import typer

from components.cloud_init.kernel import SYSCTL
from components.flows import Endpoint
from stacks import operations
from stacks.engine import Engine
from stacks.inventory import Inventory
from stacks.project import Project
from stacks.verification import checks, probes
from stacks.verification.checks import Finding, finding
from stacks.verification.console import CommandTransport, Probe, Transport
from stacks.verification.hosts import Member, Tenancy, tenancy
from stacks.verification.probes import Attempt
from stacks.verification.report import as_json, show

BOOT_SECONDS = 300.0
ANSWER_SECONDS = 90.0
"""For any question but the first, which waits for cloud-init."""

Results = dict[Attempt, str]


class Verification:
    """All tenants' hosts, with a probe in each."""

    def __init__(self, tenancies: Sequence[Tenancy], probes_of: dict[Member, Probe]) -> None:
        self._tenancies = tenancies
        self._probes = probes_of

    async def run(self) -> list[Finding]:
        """Ask everything. Raises ConsoleError when a host can't be asked."""
        facts = await self._ask_all({"do": "facts", "sysctl": list(SYSCTL), "boot_seconds": BOOT_SECONDS})
        found = [each for host, answer in facts.items() for each in checks.of_host(host, answer)]
        found += await self._services()
        results = await self._connections()
        found += [_of_attempt(attempt, result) for attempt, result in results.items()]
        return sorted(found, key=lambda each: each.tenant)

    async def _services(self) -> list[Finding]:
        """Memory and cache, as one agent of each tenant uses them."""
        agents = [next(h for h in each.hosts if h.tier == Endpoint.AGENT) for each in self._tenancies]
        queries = await self._ask_all({"do": "database"}, agents)
        pings = await self._ask_all({"do": "cache"}, agents)
        named = (
            (queries, "nearest neighbour by HNSW", checks.nearest_neighbour),
            (pings, "cache", checks.pong),
        )
        return [
            finding(host, check, judge(answer))
            for answers, check, judge in named
            for host, answer in answers.items()
        ]

    async def _connections(self) -> Results:
        """Every host listens before any host tries to connect."""
        await self._ask_all({"do": "listen", "ports": probes.LISTENERS})
        planned = probes.attempts(self._tenancies)
        by_host = {host: [attempt for attempt in planned if attempt.source == host] for host in self._probes}
        answers = await self._ask_each(
            {
                host: {"do": "connect", "targets": [attempt.wire for attempt in tried]}
                for host, tried in by_host.items()
            }
        )
        return {
            attempt: result
            for host, tried in by_host.items()
            for attempt, result in zip(tried, answers[host]["results"], strict=True)
        }

    async def _ask_all(
        self, question: dict[str, Any], hosts: Sequence[Member] | None = None
    ) -> dict[Member, dict[str, Any]]:
        return await self._ask_each(dict.fromkeys(self._probes if hosts is None else hosts, question))

    async def _ask_each(self, questions: dict[Member, dict[str, Any]]) -> dict[Member, dict[str, Any]]:
        asked = (
            self._probes[host].ask(question, seconds=ANSWER_SECONDS + question.get("boot_seconds", 0))
            for host, question in questions.items()
        )
        return dict(zip(questions, await asyncio.gather(*asked), strict=True))


async def verify_tenancies(tenancies: Sequence[Tenancy], transport: Transport) -> list[Finding]:
    """Enter every host and ask. Raises ConsoleError."""
    hosts = [host for each in tenancies for host in each.hosts]
    async with AsyncExitStack() as stack:
        started = await asyncio.gather(*(Probe.start(transport, host.name) for host in hosts))
        for probe in started:
            stack.push_async_callback(_closing(probe))
        return await Verification(tenancies, dict(zip(hosts, started, strict=True))).run()


def _closing(probe: Probe) -> Callable[[], Awaitable[None]]:
    return probe.close


def _of_attempt(attempt: Attempt, result: str) -> Finding:
    return Finding(
        tenant=attempt.source.tenant,
        subject=attempt.source.name,
        check=_check(attempt),
        passed=attempt.is_right(result),
        detail=f"{attempt.target} {attempt.address}, {attempt.port}: {result}",
    )


def _check(attempt: Attempt) -> str:
    """A permitted flow has a line of its own in the table; the forbidden ones share one."""
    source = attempt.source.tier.value
    if attempt.permitted:
        return f"{source} → {attempt.target}, {attempt.port}: open"
    return f"{source} → {attempt.side}, all else: shut"


def verify(
    tenants: Annotated[list[str] | None, typer.Argument(help="Which tenants; all that have a spec.")] = None,
    *,
    json: Annotated[bool, typer.Option(help="Print every finding as JSON.")] = False,
) -> None:
    """Try every permitted flow and a sample of the forbidden ones, and check each host."""
    project = Project.of_environment()
    chosen = tuple(dict.fromkeys(tenants or project.tenants))

    async def work() -> int:
        inventory = Inventory()
        tenancies = [tenancy(inventory, tenant) for tenant in chosen]
        findings = await verify_tenancies(tenancies, CommandTransport())
        if json:
            sys.stdout.write(as_json(findings) + "\n")
        else:
            show(findings)
        return 0 if all(each.passed for each in findings) else 1

    sys.exit(operations.command(Engine(project), work, operations.errors_console()))


if __name__ == "__main__":
    operations.start(verify)
