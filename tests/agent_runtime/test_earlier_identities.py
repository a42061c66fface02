"""Certificates of a host that was replaced or removed, or that the guardrail doesn't know: of no more use."""

from pathlib import Path

import pytest
from guardrail_driver import AGENT, enrolled, known, renewed, request, wait_for_another_second
from runtime_driver import VaultTenant

from agent_runtime import certificates
from agent_runtime.enrolments import Enrolments
from agent_runtime.errors import RefusedError
from agent_runtime.guardrail_client import GuardrailClient
from agent_runtime.places import Places
from agent_runtime.settings import Settings, names_of

pytestmark = pytest.mark.usefixtures("served")


def test_whoever_has_one_from_before_an_enrolment_gets_nothing(
    acme: VaultTenant, agent: Settings, tmp_path: Path
) -> None:
    stolen = enrolled(acme, agent, tmp_path / "stolen.pem")
    wait_for_another_second()
    stolen_and_renewed = renewed(agent, stolen)
    of_now = enrolled(acme, agent, tmp_path / "now.pem")
    for identity in (stolen, stolen_and_renewed):
        thief = GuardrailClient(agent, identity)
        with pytest.raises(RefusedError, match="enrolled again since"):
            thief.renew(request())
        with pytest.raises(RefusedError, match="enrolled again since"):
            thief.volume_key()
    assert GuardrailClient(agent, of_now).volume_key(), "the host itself is none the worse for it"


def test_what_was_renewed_counts_and_renews_again(acme: VaultTenant, agent: Settings, tmp_path: Path) -> None:
    first = enrolled(acme, agent, tmp_path / "first.pem")
    wait_for_another_second()
    second = renewed(agent, first)
    assert GuardrailClient(agent, renewed(agent, second)).volume_key()


def test_a_guardrail_that_was_started_again_remembers(
    acme: VaultTenant, agent: Settings, tmp_path: Path, served: Places
) -> None:
    stolen = certificates.read(enrolled(acme, agent, tmp_path / "stolen.pem"))
    wait_for_another_second()
    of_now = certificates.read(enrolled(acme, agent, tmp_path / "now.pem"))
    afresh = Enrolments(served.enrolments)
    afresh.check(of_now)
    with pytest.raises(RefusedError, match=f"stacks.replace {AGENT}"):
        afresh.check(stolen)


def test_a_host_without_a_record_is_told_how_it_gets_one(
    acme: VaultTenant, agent: Settings, tmp_path: Path, served: Places
) -> None:
    unknown = acme.certificate(tmp_path / "u.pem", "agent", *names_of("acme", AGENT))
    with pytest.raises(RefusedError, match=f"no enrolment of {AGENT}: `python -m stacks.replace"):
        GuardrailClient(agent, unknown).renew(request())
    (served.enrolments / f"{AGENT}.json").write_text("{")
    with pytest.raises(RefusedError, match=f"no enrolment of {AGENT}"):
        GuardrailClient(agent, unknown).volume_key()


def test_a_host_that_was_removed_gets_nothing_and_is_enrolled_no_more(
    acme: VaultTenant, agent: Settings, tmp_path: Path, served: Places
) -> None:
    gone = "acme-agent-gone-1"
    client = GuardrailClient(agent, known(acme, served, tmp_path / "gone.pem", gone))
    for attempt in (lambda: client.renew(request(gone)), client.volume_key):
        with pytest.raises(RefusedError, match=f"is not for {gone}"):
            attempt()
    token = acme.wrapping_token("agent", gone)
    with pytest.raises(RefusedError, match="no agent's host"):
        GuardrailClient(agent).enrol(acme.role_id("agent"), token, request(gone))
