"""Identities that stay alive: enrolled once, renewed in time, by a real vault and a running guardrail."""

import getpass
import grp
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from runtime_driver import VaultTenant, places, running

from agent_runtime import certificates, enrol, guardrail, identity
from agent_runtime.enrol import Given, read_given
from agent_runtime.errors import EnrolmentError, HostError, IdentityError, RefusedError, WrappingError
from agent_runtime.places import Places
from agent_runtime.schedule import Schedule, Task
from agent_runtime.settings import Settings, names_of

GUARDRAIL = "acme-guardrail-1"
AGENT = "acme-agent-writer-1"


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts that `install` makes on a host."""
    monkeypatch.setattr(enrol, "GROUP", getpass.getuser())
    monkeypatch.setattr(enrol, "VAULT_GROUP", grp.getgrgid(os.getgid()).gr_name)
    monkeypatch.setattr(enrol, "PATIENCE_SECONDS", 0.0)


@pytest.fixture
def settings(acme: VaultTenant, address: str, etc_hosts: dict[str, str]) -> Settings:
    """The guardrail's."""
    found = acme.settings(GUARDRAIL, "guardrail", vpc_address=address)
    etc_hosts[found.guardrail] = address
    return found


@pytest.fixture
def host(tmp_path: Path) -> Places:
    return places(tmp_path / "host")


@pytest.fixture
def guardrails_host(tmp_path: Path, acme: VaultTenant, settings: Settings) -> Iterator[Places]:
    """A guardrail that has enrolled, at work."""
    found = places(tmp_path / "guardrail")
    enrol.enrol(settings, found, given(acme, "guardrail", GUARDRAIL))
    with running(guardrail.server(settings, found)):
        yield found


def given(tenant: VaultTenant, role: str, host: str) -> Given:
    known = "guardrail" if role == "guardrail" else "agent"
    return Given(role=known, role_id=tenant.role_id(known), wrapping_token=tenant.wrapping_token(known, host))


class TestEnrolling:
    def test_a_guardrail_gets_a_certificate_and_a_token_that_only_their_readers_read(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        enrolled = enrol.enrol(settings, host, given(acme, "guardrail", GUARDRAIL))
        assert (enrolled.host, enrolled.serial) == (GUARDRAIL, certificates.read(host.identity).serial)
        token = acme.vault.client(host.vault_token.read_text()).auth.token.lookup_self()["data"]
        assert (token["period"], token["accessor"]) == (3600, enrolled.accessor)
        assert [file.stat().st_mode & 0o777 for file in (host.identity, host.vault_token)] == [0o640, 0o640]

    @pytest.mark.usefixtures("guardrails_host")
    def test_an_agent_gets_a_certificate_and_no_token(self, acme: VaultTenant, host: Places) -> None:
        enrolled = enrol.enrol(acme.settings(AGENT, "agent"), host, given(acme, "agent", AGENT))
        assert (enrolled.host, enrolled.accessor) == (AGENT, None)
        assert [file.name for file in host.identity.parent.iterdir()] == ["identity.pem"]

    def test_a_used_secret_leaves_nothing_behind(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        secret = given(acme, "guardrail", GUARDRAIL)
        acme.vault.root.sys.unwrap(secret.wrapping_token)
        with pytest.raises(WrappingError, match="intercepted") as caught:
            enrol.enrol(settings, host, secret)
        assert not list(host.identity.parent.iterdir())
        assert secret.wrapping_token not in str(caught.value) + repr(secret)

    def test_a_secret_of_another_host_gives_no_token(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        with pytest.raises(RefusedError, match="not made for acme-guardrail-1"):
            enrol.enrol(settings, host, given(acme, "guardrail", "acme-guardrail-2"))
        assert not list(host.identity.parent.iterdir())

    def test_an_unsealed_vault_is_waited_for_and_the_secret_is_still_good(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        secret = given(acme, "guardrail", GUARDRAIL)
        acme.vault.seal()
        try:
            with pytest.raises(HostError, match="sealed"):
                enrol.enrol(settings, host, secret)
        finally:
            acme.vault.unseal()
        assert enrol.enrol(settings, host, secret).host == GUARDRAIL

    def test_a_guardrail_that_can_not_be_reached_is_named(self, acme: VaultTenant, host: Places) -> None:
        with pytest.raises(HostError, match=r"the guardrail at guardrail\.acme.* can't be reached"):
            enrol.enrol(acme.settings(AGENT, "agent"), host, given(acme, "agent", AGENT))

    def test_a_secret_for_the_other_tier_is_not_even_tried(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        with pytest.raises(EnrolmentError, match="tier is guardrail"):
            enrol.enrol(settings, host, replace(given(acme, "agent", AGENT)))

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", "{}", '{"role": "agent", "role_id": 1, "wrapping_token": "s.hush"}', "[" * 9999],
    )
    def test_what_is_not_understood_is_not_repeated(self, text: str) -> None:
        with pytest.raises(EnrolmentError, match="role, role_id") as caught:
            read_given(io.StringIO(text))
        assert "hush" not in str(caught.value)

    def test_what_is_given_is_read(self) -> None:
        sent = {"role": "agent", "role_id": "r", "wrapping_token": "w"}
        assert read_given(io.StringIO(json.dumps(sent))) == Given(**sent)


class TestRenewing:
    @pytest.mark.usefixtures("guardrails_host")
    def test_an_agent_renews_through_its_guardrail_with_a_new_key(
        self, acme: VaultTenant, host: Places
    ) -> None:
        enrol.enrol(acme.settings(AGENT, "agent"), host, given(acme, "agent", AGENT))
        before = host.identity.read_text()
        identity.Renewal(acme.settings(AGENT, "agent"), host).run()
        after = host.identity.read_text()
        assert after.partition("-----END")[0] != before.partition("-----END")[0], "the key is another"
        assert host.identity.stat().st_mode & 0o777 == 0o640

    def test_a_guardrail_renews_at_the_vault(self, settings: Settings, guardrails_host: Places) -> None:
        before = certificates.read(guardrails_host.identity).serial
        identity.Renewal(settings, guardrails_host).run()
        assert certificates.read(guardrails_host.identity).serial != before

    def test_an_agent_whose_certificate_has_ended_says_that_it_must_enrol(
        self, acme: VaultTenant, host: Places
    ) -> None:
        acme.certificate(host.identity, "agent", *names_of("acme", AGENT), ttl="1s")
        while not certificates.read(host.identity).has_expired:
            time.sleep(0.1)
        with pytest.raises(IdentityError, match=r"expired at .* enrol this host again"):
            identity.Renewal(acme.settings(AGENT, "agent"), host).run()

    def test_a_token_is_renewed_at_half_its_life(self, settings: Settings, guardrails_host: Places) -> None:
        renewal = identity.TokenRenewal(settings, guardrails_host, clock=lambda: 1000.0)
        assert renewal.due() <= 1000, "at the start nobody knows how long it lives"
        renewal.run()
        assert renewal.due() == 1000 + 3600 / 2

    def test_a_revoked_token_is_an_error_in_a_line_without_it(
        self, acme: VaultTenant, settings: Settings, guardrails_host: Places
    ) -> None:
        token = guardrails_host.vault_token.read_text()
        acme.vault.client(token).auth.token.revoke_self()
        with pytest.raises(RefusedError, match="refuses to renew the token") as caught:
            identity.TokenRenewal(settings, guardrails_host).run()
        assert token not in str(caught.value)

    def test_a_guardrail_has_two_things_to_renew_and_an_agent_one(
        self, acme: VaultTenant, settings: Settings, host: Places
    ) -> None:
        assert len(identity.tasks(settings, host)) == 2
        assert len(identity.tasks(acme.settings(AGENT, "agent"), host)) == 1


class TestSchedule:
    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    def schedule(self, now: list[float], run: Callable[[], None], due: Callable[[], float]) -> Schedule:
        return Schedule([Task(name="renewing", due=due, run=run)], clock=lambda: now[0])

    def test_nothing_runs_before_it_is_due(self, now: list[float]) -> None:
        ran: list[float] = []
        schedule = self.schedule(now, lambda: ran.append(now[0]), lambda: 1030.0)
        assert (schedule.step(), ran) == (30, [])

    def test_a_failure_is_tried_again_later_and_later_up_to_a_limit(
        self, now: list[float], caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> None:
            raise HostError("the vault is sealed")

        schedule = self.schedule(now, fail, lambda: 0.0)
        waits = []
        for _ in range(12):
            waits.append(schedule.step())
            now[0] += waits[-1]
        assert 4 <= waits[0] <= 5
        assert waits[2] > waits[0]
        assert 240 <= waits[-1] <= 300
        assert caplog.messages[0].startswith("renewing failed: the vault is sealed (tried again in ")

    def test_after_a_success_it_starts_over(self, now: list[float]) -> None:
        outcomes = [HostError("once"), HostError("twice"), None, HostError("again")]

        def run() -> None:
            if (outcome := outcomes.pop(0)) is not None:
                raise outcome

        schedule = self.schedule(now, run, lambda: now[0])
        waits = [schedule.step(), 0.0, 0.0, 0.0]
        for number in range(1, 4):
            now[0] += 1000
            waits[number] = schedule.step()
        assert waits[1] > waits[0]
        assert waits[2] == 0, "it succeeded"
        assert waits[3] <= 5, "the count began anew"

    def test_a_fault_of_ours_does_not_end_the_daemon(self, now: list[float]) -> None:
        def break_down() -> None:
            raise KeyError("oh")

        assert self.schedule(now, break_down, lambda: 0.0).step() > 0

    def test_what_can_not_say_when_it_is_due_is_run_to_say_why(self, now: list[float]) -> None:
        def due() -> float:
            raise IdentityError("identity.pem is missing")

        ran: list[bool] = []
        self.schedule(now, lambda: ran.append(True), due).step()
        assert ran
