"""A verification's course: every host entered once, side by side, and everything asked and tried."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

from components.cloud_init.kernel import SYSCTL
from components.flows import Endpoint
from components.vault_layout import keys_mount, provider_key
from stacks.errors import HostError
from stacks.verification import checks, probes, service_checks
from stacks.verification.findings import Finding, finding
from stacks.verification.hosts import Member, Shared, Tenancy
from stacks.verification.on_host.connections import connect
from stacks.verification.probes import Attempt
from stacks.verification.ssh import Probe, Transport

BOOT_SECONDS = 300.0
ANSWER_SECONDS = 90.0
"""For any question but the first, which waits for cloud-init."""
ENTERED = "entered over the mesh"
ANSWERED = "answers what it is asked"
SYSTEM_PATHS = ("sys/mounts", "sys/policies/acl", "sys/auth")
"""What only an operator may read in the vault."""

Results = dict[Attempt, str]


async def verify_tenancies(
    tenancies: Sequence[Tenancy], common: Shared, transport: Transport
) -> list[Finding]:
    """Enter every host and ask. A host that can't be entered is a finding, and the others are asked."""
    hosts = [host for each in tenancies for host in each.hosts]
    with ThreadPoolExecutor(max_workers=len(hosts) + 1) as threads:
        async with AsyncExitStack() as stack:
            started = await asyncio.gather(
                *(Probe.start(transport, host, threads) for host in hosts), return_exceptions=True
            )
            entered: dict[Member, Probe] = {}
            refused: dict[Member, HostError] = {}
            for host, probe in zip(hosts, started, strict=True):
                match probe:
                    case Probe():
                        entered[host] = probe
                        stack.push_async_callback(_closing(probe))
                    case HostError():
                        refused[host] = probe
                    case BaseException():
                        raise probe
            found = [
                finding(host, ENTERED, [str(refused[host])] if host in refused else []) for host in hosts
            ]
            return found + await _Verification(tenancies, common, entered).run()


def _closing(probe: Probe) -> Callable[[], Awaitable[None]]:
    return probe.close


class _Verification:
    """All tenants' hosts, with a probe in each that could be entered."""

    def __init__(self, tenancies: Sequence[Tenancy], common: Shared, probes_of: dict[Member, Probe]) -> None:
        self._tenancies = tenancies
        self._common = common
        self._probes = probes_of
        self._silent: dict[Member, HostError] = {}

    async def run(self) -> list[Finding]:
        """Ask everything. A host that stops to answer is a finding, and isn't asked any more."""
        question = {"do": "facts", "sysctl": list(SYSCTL), "boot_seconds": BOOT_SECONDS}
        facts = await self._ask_all(question)
        found = [each for host, answer in facts.items() for each in checks.of_host(host, answer)]
        found += await self._services()
        results = await self._connections()
        found += [_of_attempt(attempt, result) for attempt, result in results.items()]
        return found + [
            finding(host, ANSWERED, [str(self._silent[host])] if host in self._silent else [])
            for host in self._probes
        ]

    async def _services(self) -> list[Finding]:
        """Memory and cache as one agent of each tenant uses them, the guardrail as every agent, the vault."""
        agents = [host for host in self._probes if host.tier == Endpoint.AGENT]
        first = list({host.tenant: host for host in reversed(agents)}.values())
        queries = await self._ask_all({"do": "database"}, first)
        pings = await self._ask_all({"do": "cache"}, first)
        handshakes = await self._ask_all({"do": "guardrail"}, agents)
        named = (
            (queries, "nearest neighbour by HNSW", service_checks.nearest_neighbour),
            (pings, "cache", service_checks.pong),
            (handshakes, "mTLS with the guardrail", service_checks.mutual_tls),
        )
        found = [
            finding(host, check, judge(answer))
            for answers, check, judge in named
            for host, answer in answers.items()
        ]
        return found + await self._vault_rights()

    async def _vault_rights(self) -> list[Finding]:
        """A guardrail tries, with its own token, its own tenant's keys and everybody else's."""
        paths = {
            each.tenant: f"{keys_mount(each.tenant)}/data/{provider_key('verify')}"
            for each in self._tenancies
        }
        reads = [*paths.values(), *SYSTEM_PATHS]
        guardrails = [host for host in self._probes if host.tier == Endpoint.GUARDRAIL]
        answers = await self._ask_all({"do": "vault", "reads": reads}, guardrails)
        return [
            finding(
                host,
                "vault: its own tenant's keys alone",
                service_checks.vault_rights(answer, frozenset({paths[host.tenant]})),
            )
            for host, answer in answers.items()
        ]

    async def _connections(self) -> Results:
        """Every host listens before anybody tries to connect; the operator is this very process."""
        listening = {
            host: {
                "do": "listen",
                "addresses": [host.address, host.mesh_address],
                "ports": probes.LISTENERS,
            }
            for host in self._probes
        }
        await self._ask_each(listening)
        planned = probes.attempts(self._tenancies, self._common)
        by_source = {
            source: [attempt for attempt in planned if attempt.source == source]
            for source in (*self._probes, self._common.operator)
        }
        own = by_source.pop(self._common.operator)
        answers, from_here = await asyncio.gather(
            self._ask_each({source: _connecting(tried) for source, tried in by_source.items()}),
            connect(_connecting(own)),
        )
        results = dict(zip(own, from_here["results"], strict=True))
        for host, answer in answers.items():
            results |= zip(by_source[host], answer["results"], strict=True)
        return results

    async def _ask_all(
        self, question: dict[str, Any], hosts: Sequence[Member] | None = None
    ) -> dict[Member, dict[str, Any]]:
        return await self._ask_each(dict.fromkeys(self._probes if hosts is None else hosts, question))

    async def _ask_each(self, questions: dict[Member, dict[str, Any]]) -> dict[Member, dict[str, Any]]:
        """The answers of those that give one."""
        asked = {
            host: self._probes[host].ask(question, seconds=ANSWER_SECONDS + question.get("boot_seconds", 0))
            for host, question in questions.items()
            if host not in self._silent
        }
        answers: dict[Member, dict[str, Any]] = {}
        said = await asyncio.gather(*asked.values(), return_exceptions=True)
        for host, answer in zip(asked, said, strict=True):
            match answer:
                case HostError():
                    self._silent[host] = answer
                case BaseException():
                    raise answer
                case _:
                    answers[host] = answer
        return answers


def _connecting(attempts: Sequence[Attempt]) -> dict[str, Any]:
    return {"do": "connect", "targets": [attempt.wire for attempt in attempts]}


def _of_attempt(attempt: Attempt, result: str) -> Finding:
    return Finding(
        tenant=attempt.tenant,
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
