"""Two tenants whose hosts answer from a script, and where one of them leaks."""

import asyncio
import io
import json
import sys

import pytest
from piped_channel import Here, PipedChannel
from rich.console import Console

from components.flows import HOST_TIERS, Endpoint
from stacks.errors import HostError
from stacks.verification import report
from stacks.verification.findings import Finding
from stacks.verification.hosts import Member, Shared, Tenancy
from stacks.verification.on_host.facts import PROGRAMS
from stacks.verification.probes import PORTS
from stacks.verification.verification import ANSWERED, ENTERED, verify_tenancies

FACTS = {
    **dict.fromkeys((*PROGRAMS, "jail"), ""),
    "cloud_init": {"finished": True, "errors": []},
    "metadata_as_nobody": 7,
    "audit_rules": "",
    "sysctl": {},
    "secret_modes": {},
    "clock": 0,
    "disk_used": 0,
}
HOST = f"""\
import json, sys
def say(answer):
    print(json.dumps(answer), flush=True)
i = sys.stdin.buffer
i.readline()
for line in i:
    question = json.loads(line)
    match question["do"]:
        case "connect":
            say({{"results": [sys.argv[1] for _ in question["targets"]]}})
        case "facts":
            say({FACTS!r})
        case "vault":
            say({{"statuses": {{path: 403 for path in question["reads"]}}}})
        case "guardrail":
            if sys.argv[2:]:
                sys.exit(sys.argv[2])
            say({{"with_certificate": 200, "without_certificate": "SSLError"}})
        case _:
            say({{"code": 0, "out": "PONG", "err": ""}})
"""


def _at(tier: Endpoint, address: str, tenant: str = "") -> Member:
    """Addresses of loopback's range where nobody listens: the operator is this very machine."""
    return Member(tenant=tenant, tier=tier, name=tier.value, address=address, mesh_address=address)


COMMON = Shared(
    operator=_at(Endpoint.CONTROL_PLANE, "127.99.0.1"),
    vault=_at(Endpoint.VAULT, "127.99.0.2"),
    coordination="192.0.2.1",
)


def _tenancy(tenant: str) -> Tenancy:
    tiers = (Endpoint.AGENT, Endpoint.GUARDRAIL, Endpoint.DATABASE, Endpoint.CACHE)
    members = (
        Member(
            tenant=tenant,
            tier=tier,
            name=f"{tenant}-{tier}-1",
            address=f"10.0.0.{number}",
            mesh_address=f"127.99.{len(tenant)}.{number}" if tier in HOST_TIERS else None,
        )
        for number, tier in enumerate(tiers)
    )
    return Tenancy(tenant=tenant, members=tuple(members))


def _verify(result: str, transport: Here | None = None) -> tuple[list[Finding], Here]:
    hosts = transport or Here(lambda *_: [sys.executable, "-c", HOST, result])
    return asyncio.run(verify_tenancies([_tenancy("acme"), _tenancy("globex")], COMMON, hosts)), hosts


def test_each_host_is_entered_once() -> None:
    _, hosts = _verify("silent")
    assert sorted(hosts.entered) == [
        "acme-agent-1",
        "acme-guardrail-1",
        "globex-agent-1",
        "globex-guardrail-1",
    ], "a login costs a tenth of a second of a processor"


def test_silence_everywhere_fails_the_permitted_flows_alone() -> None:
    findings, _ = _verify("silent")
    connections = [each for each in findings if "→" in each.check and each.subject != Endpoint.CONTROL_PLANE]
    failed = {each.check for each in connections if not each.passed}
    assert failed, "permitted flows must answer"
    assert all(check.endswith("open") for check in failed), "what is shut is silent"


def test_an_answer_from_another_tenant_fails() -> None:
    findings, _ = _verify("answered")
    foreign = [each for each in findings if each.check == "agent → other tenants' VPCs, all else: shut"]
    assert len(foreign) == 2 * 4 * len(PORTS), "every member of the other tenant on every port, both ways"
    assert not any(each.passed for each in foreign), "a tenant reaches no other"


def test_the_cache_is_asked_by_one_agent_of_each_tenant() -> None:
    findings, _ = _verify("silent")
    asked = [(each.subject, each.passed) for each in findings if each.check == "cache"]
    assert sorted(asked) == [("acme-agent-1", True), ("globex-agent-1", True)], "as an agent uses it"


def test_a_guardrail_that_can_t_read_its_own_tenant_s_keys_is_noticed() -> None:
    findings, _ = _verify("silent")
    failed = [each for each in findings if each.check.startswith("vault") and not each.passed]
    assert {each.subject for each in failed} == {"acme-guardrail-1", "globex-guardrail-1"}, "all was refused"
    assert "tenants/acme/keys" in failed[0].detail + failed[1].detail, "by the path"


class _OneIsLost(Here):
    def start(self, host: Member, _: object) -> PipedChannel:
        if host.name == "acme-agent-1":
            raise HostError("'acme-agent-1' is not in the mesh")
        return PipedChannel([sys.executable, "-c", HOST, "silent"])


def test_a_host_that_can_t_be_entered_is_a_finding_and_the_others_are_asked() -> None:
    findings, _ = _verify("silent", _OneIsLost())
    entered = {each.subject: each for each in findings if each.check == ENTERED}
    assert [name for name, each in entered.items() if not each.passed] == ["acme-agent-1"], (
        "just the lost one"
    )
    assert "not in the mesh" in entered["acme-agent-1"].detail, "with the reason"
    assert [each for each in findings if each.subject == "acme-guardrail-1" and each.check == "disk"], (
        "others"
    )


def test_a_host_that_stops_to_answer_is_a_finding_and_the_others_are_asked_on() -> None:
    def host(member: Member, _: object) -> list[str]:
        last_words = ["it is going down"] if member.name == "acme-agent-1" else []
        return [sys.executable, "-c", HOST, "silent", *last_words]

    findings, _ = _verify("silent", Here(host))
    answered = {each.subject: each for each in findings if each.check == ANSWERED}
    assert [name for name, each in answered.items() if not each.passed] == ["acme-agent-1"], "just that one"
    assert "it is going down" in answered["acme-agent-1"].detail, "with its last words"
    sources = {each.subject for each in findings if "→" in each.check}
    assert sources == set(answered) - {"acme-agent-1"} | {Endpoint.CONTROL_PLANE}, "others try their flows"
    assert [each for each in findings if each.subject == "acme-agent-1" and each.check == "disk"], (
        "what it had answered counts"
    )


@pytest.fixture
def findings() -> list[Finding]:
    return [
        Finding(tenant="acme", subject="a", check="x", passed=True),
        Finding(tenant="acme", subject="b", check="x", passed=False, detail="[red]refused"),
    ]


def test_the_table_has_a_line_a_check_and_then_each_failure(findings: list[Finding]) -> None:
    output = io.StringIO()
    report.show(findings, Console(file=output, width=report.WIDTH))
    text = output.getvalue()
    assert "FAILED 1 of 2" in text, "counted, and seen at a glance"
    assert "acme b: x: [red]refused" in text, "with the details, as they are"


def test_many_tenants_share_a_column() -> None:
    many = [Finding(tenant=f"t{number}", subject="a", check="x", passed=True) for number in range(9)]
    output = io.StringIO()
    report.show(many, Console(file=output, width=report.WIDTH))
    assert "9 of 9" in output.getvalue(), "a table of fifty columns can't be read"


def test_the_json_has_every_finding(findings: list[Finding]) -> None:
    shown = json.loads(report.as_json(findings))
    assert shown["passed"] is False, "one failure is a failure"
    assert [each["subject"] for each in shown["findings"]] == ["a", "b"], "each by itself"
