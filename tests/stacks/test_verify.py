"""Two tenants whose hosts answer from a script, and where one of them leaks."""

import asyncio
import io
import json
import sys
from collections.abc import Sequence

import pytest
from rich.console import Console

from components.flows import Endpoint
from stacks.verification import report
from stacks.verification.checks import Finding
from stacks.verification.hosts import Member, Tenancy
from stacks.verification.probes import PORTS
from stacks.verify import verify_tenancies

HOST = """\
import json, sys
def say(answer):
    print(json.dumps(answer), flush=True)
i = sys.stdin.buffer
i.read(int(i.readline()))
for line in i:
    question = json.loads(line)
    if question["do"] == "connect":
        say({"results": [sys.argv[1] for _ in question["targets"]]})
    elif question["do"] == "facts":
        say({"cloud_init": {"finished": True, "errors": []}, "failed_units": "", "ufw": "", "sshd": "",
             "fail2ban": "", "listening": "", "audit_rules": "", "sysctl": {}, "secret_modes": {}})
    else:
        say({"code": 0, "out": "PONG", "err": ""})
"""


class Scripted:
    """Hosts on whose connections always the same comes."""

    def __init__(self, result: str) -> None:
        self._result = result
        self.started: list[str] = []

    async def start(self, host: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        del command
        self.started.append(host)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            HOST,
            self._result,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


def _tenancy(tenant: str) -> Tenancy:
    tiers = (Endpoint.AGENT, Endpoint.GUARDRAIL, Endpoint.DATABASE, Endpoint.CACHE)
    members = (
        Member(tenant=tenant, tier=tier, name=f"{tenant}-{tier}-1", address=f"10.0.0.{number}")
        for number, tier in enumerate(tiers)
    )
    return Tenancy(tenant=tenant, members=tuple(members))


def _verify(result: str) -> tuple[list[Finding], Scripted]:
    transport = Scripted(result)
    return asyncio.run(verify_tenancies([_tenancy("acme"), _tenancy("globex")], transport)), transport


def test_each_host_is_entered_once() -> None:
    _, transport = _verify("silent")
    assert sorted(transport.started) == [
        "acme-agent-1",
        "acme-guardrail-1",
        "globex-agent-1",
        "globex-guardrail-1",
    ], "a console call costs half a second"


def test_silence_everywhere_fails_the_permitted_flows_alone() -> None:
    findings, _ = _verify("silent")
    connections = [each for each in findings if "→" in each.check]
    failed = {each.check for each in connections if not each.passed}
    assert failed, "permitted flows must answer"
    assert all(check.endswith("open") for check in failed), "what is shut is silent"


def test_an_answer_from_another_tenant_fails() -> None:
    findings, _ = _verify("answered")
    foreign = [each for each in findings if each.check == "agent → globex, all else: shut"]
    assert len(foreign) == 4 * len(PORTS), "every member of the other tenant on every port"
    assert not any(each.passed for each in foreign), "a tenant reaches no other"


def test_the_cache_is_asked_by_one_agent_of_each_tenant() -> None:
    findings, _ = _verify("silent")
    asked = [(each.subject, each.passed) for each in findings if each.check == "cache"]
    assert asked == [("acme-agent-1", True), ("globex-agent-1", True)], "as an agent uses it"


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
    assert "1 of 2" in text, "counted"
    assert "FAILED" in text, "and seen at a glance"
    assert "acme b: x: [red]refused" in text, "with the details, as they are"


def test_the_json_has_every_finding(findings: list[Finding]) -> None:
    shown = json.loads(report.as_json(findings))
    assert shown["passed"] is False, "one failure is a failure"
    assert [each["subject"] for each in shown["findings"]] == ["a", "b"], "each by itself"
