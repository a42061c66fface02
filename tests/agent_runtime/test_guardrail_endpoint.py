"""The guardrail's endpoint, before a real vault: who is enrolled, renewed and given a key, and who is not."""

from dataclasses import replace
from pathlib import Path

import pytest
from guardrail_driver import AGENT, GUARDRAIL, known, request
from odd_requests import EXTENSIONS, attribute, extension, smuggled
from odd_requests import request as odd_request
from runtime_driver import VaultTenant, client

from agent_runtime import certificates, guardrail
from agent_runtime.errors import MalformedRequestError, RefusedError, UnavailableError
from agent_runtime.guardrail_client import PORT, GuardrailClient
from agent_runtime.https import Service
from agent_runtime.places import Places
from agent_runtime.settings import Settings, names_of
from agent_runtime.vault import Vault


@pytest.fixture
def identity(tmp_path: Path, acme: VaultTenant, served: Places) -> Path:
    """The identity file of an agent that has enrolled."""
    return known(acme, served, tmp_path / "agent.pem", AGENT)


@pytest.mark.usefixtures("served")
class TestEnrolment:
    def test_an_agent_gets_a_certificate_for_its_one_time_secret(
        self, acme: VaultTenant, agent: Settings
    ) -> None:
        token = acme.wrapping_token("agent", AGENT)
        given = GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())
        assert certificates.parse(given).name == AGENT

    def test_a_secret_works_once_and_the_second_use_is_called_what_it_may_be(
        self, acme: VaultTenant, agent: Settings
    ) -> None:
        token = acme.wrapping_token("agent", AGENT)
        GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())
        with pytest.raises(RefusedError, match="used already or has expired; it may have been intercepted"):
            GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())

    def test_a_vault_that_fails_once_the_secret_is_used_has_nobody_try_again(
        self, acme: VaultTenant, agent: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def sealed(*_: object) -> str:
            raise UnavailableError("the vault is sealed")

        monkeypatch.setattr(Vault, "sign", sealed)
        token = acme.wrapping_token("agent", AGENT)
        with pytest.raises(RefusedError, match="used up, but the vault is sealed"):
            GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())

    def test_a_secret_of_one_host_does_not_enrol_another(self, acme: VaultTenant, agent: Settings) -> None:
        token = acme.wrapping_token("agent", "acme-agent-reader-1")
        with pytest.raises(RefusedError, match=f"not made for {AGENT}"):
            GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())

    def test_a_guardrails_secret_does_not_enrol_an_agent(self, acme: VaultTenant, agent: Settings) -> None:
        token = acme.wrapping_token("guardrail", AGENT)
        with pytest.raises(RefusedError, match="not of this role"):
            GuardrailClient(agent).enrol(acme.role_id("guardrail"), token, request())

    def test_another_tenants_secret_does_not_enrol(
        self, acme: VaultTenant, globex: VaultTenant, agent: Settings
    ) -> None:
        token = globex.wrapping_token("agent", AGENT)
        with pytest.raises(RefusedError, match="not of this role"):
            GuardrailClient(agent).enrol(acme.role_id("agent"), token, request())

    @pytest.mark.parametrize("name", ["acme-guardrail-1", "globex-agent-writer-1", "control-plane"])
    def test_a_name_that_is_no_agents_is_refused_before_the_secret_is_touched(
        self, acme: VaultTenant, agent: Settings, name: str
    ) -> None:
        token = acme.wrapping_token("agent", name)
        with pytest.raises(RefusedError, match="no agent's host"):
            GuardrailClient(agent).enrol(acme.role_id("agent"), token, request(name))
        assert acme.vault.root.sys.unwrap(token)["data"], "the secret is still there"

    def test_a_request_for_one_name_too_many_is_refused(self, acme: VaultTenant, agent: Settings) -> None:
        with pytest.raises(RefusedError, match=agent.guardrail):
            GuardrailClient(agent).enrol(
                acme.role_id("agent"), acme.wrapping_token("agent", AGENT), request(AGENT, agent.guardrail)
            )

    def test_the_token_of_an_enrolment_does_not_outlive_it(self, acme: VaultTenant, agent: Settings) -> None:
        def tokens() -> set[str]:
            return set(acme.vault.root.list("auth/token/accessors")["data"]["keys"])

        wrapping_token = acme.wrapping_token("agent", AGENT)
        before = tokens()
        GuardrailClient(agent).enrol(acme.role_id("agent"), wrapping_token, request())
        assert tokens() < before, "the wrapping token has gone, and no other has come"

    def test_whoever_tries_again_and_again_is_told_to_wait(self, agent: Settings) -> None:
        answers = []
        for _ in range(guardrail.ENROLMENTS_PER_MINUTE + 1):
            with pytest.raises((RefusedError, UnavailableError)) as caught:
                GuardrailClient(agent).enrol("nobody", "nothing", request())
            answers.append(str(caught.value))
        assert "too many" in answers[-1]
        assert "too many" not in answers[0]


@pytest.mark.usefixtures("served")
class TestRenewal:
    def test_an_agent_renews_its_own_certificate(self, agent: Settings, identity: Path) -> None:
        renewed = certificates.parse(GuardrailClient(agent, identity).renew(request()))
        assert renewed.name == AGENT
        assert renewed.serial != certificates.read(identity).serial

    def test_an_agent_gets_no_certificate_of_another_name(self, agent: Settings, identity: Path) -> None:
        with pytest.raises(RefusedError, match=f"CN={AGENT}"):
            GuardrailClient(agent, identity).renew(request("acme-agent-reader-1"))

    def test_no_name_is_smuggled_past_the_guardrail(self, agent: Settings, identity: Path) -> None:
        for csr in smuggled(AGENT, *names_of("acme", "acme-agent-reader-1")):
            with pytest.raises(RefusedError, match="one attribute at most"):
                GuardrailClient(agent, identity).renew(csr)

    def test_without_a_certificate_there_is_nothing_to_renew(self, agent: Settings) -> None:
        with pytest.raises(RefusedError, match="401"):
            GuardrailClient(agent).renew(request())

    def test_the_control_plane_is_no_agent(self, tmp_path: Path, acme: VaultTenant, agent: Settings) -> None:
        plane = acme.certificate(tmp_path / "plane.pem", "control-plane", "control-plane")
        with pytest.raises(RefusedError, match="not for control-plane"):
            GuardrailClient(agent, plane).renew(request())

    def test_another_tenants_certificate_ends_the_handshake(
        self, tmp_path: Path, globex: VaultTenant, agent: Settings
    ) -> None:
        stranger = globex.certificate(tmp_path / "s.pem", "agent", "globex-agent-writer-1")
        with pytest.raises(UnavailableError, match=r"(?i)unknown.ca"):
            GuardrailClient(agent, stranger).renew(request())


class TestVolumeKey:
    def test_a_key_is_made_once_and_then_stays(self, served: Places, agent: Settings, identity: Path) -> None:
        del served
        first = GuardrailClient(agent, identity).volume_key()
        assert len(first) == 64
        assert GuardrailClient(agent, identity).volume_key() == first

    def test_each_host_has_its_own(
        self, served: Places, tmp_path: Path, acme: VaultTenant, agent: Settings, identity: Path
    ) -> None:
        other = known(acme, served, tmp_path / "o.pem", "acme-agent-reader-1")
        ours = GuardrailClient(agent, identity).volume_key()
        assert ours != GuardrailClient(agent, other).volume_key()

    def test_a_deleted_key_is_not_replaced(
        self, served: Places, tmp_path: Path, acme: VaultTenant, agent: Settings
    ) -> None:
        name = "acme-agent-forgetful-1"
        holder = known(acme, served, tmp_path / "f.pem", name)
        GuardrailClient(agent, holder).volume_key()
        acme.vault.root.secrets.kv.v2.delete_latest_version_of_secret(name, "tenants/acme/volumes")
        with pytest.raises(RefusedError, match="undelete"):
            GuardrailClient(agent, holder).volume_key()

    def test_a_guardrail_without_its_token_says_so(
        self, served: Places, agent: Settings, identity: Path
    ) -> None:
        served.vault_token.unlink()
        with pytest.raises(UnavailableError, match="no vault token"):
            GuardrailClient(agent, identity).volume_key()

    def test_a_sealed_vault_is_named_and_nothing_of_a_token(
        self, served: Places, acme: VaultTenant, agent: Settings, identity: Path
    ) -> None:
        acme.vault.seal()
        try:
            with pytest.raises(UnavailableError, match="is sealed: unseal it") as caught:
                GuardrailClient(agent, identity).volume_key()
        finally:
            acme.vault.unseal()
        assert served.vault_token.read_text() not in str(caught.value)


@pytest.mark.usefixtures("served")
class TestShapes:
    @pytest.fixture
    def plain(self, acme: VaultTenant, agent: Settings) -> Service:
        return client(agent.guardrail, PORT, acme.ca_file)

    def test_fields_are_exactly_those_of_the_route(self, plain: Service) -> None:
        answer = plain.call("POST", "/v1/enrol", {"role_id": "x"})
        assert (answer.status, "csr, role_id, wrapping_token" in answer.body["error"]) == (422, True)

    @pytest.mark.parametrize("value", [7, "", "x" * 9000, None, ["x"]])
    def test_a_field_is_a_text_of_bounded_length(self, plain: Service, value: object) -> None:
        body = {"role_id": value, "wrapping_token": "x", "csr": "x"}
        assert plain.call("POST", "/v1/enrol", body).status == 422

    def test_a_request_that_can_not_be_read_is_the_senders_fault(self, plain: Service) -> None:
        twice = attribute(EXTENSIONS, extension(AGENT), extension(AGENT))
        for csr in ("hello", odd_request(AGENT, twice)):
            answer = plain.call("POST", "/v1/enrol", {"role_id": "x", "wrapping_token": "x", "csr": csr})
            assert (answer.status, answer.body["error"]) == (400, "csr is no certificate request in PEM")

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/", "/v1/enrol/"])
    def test_what_is_not_there_is_not_found(self, plain: Service, path: str) -> None:
        assert plain.call("POST", path, {}).status == 404

    def test_health_is_for_the_tenants_own(self, plain: Service, acme: VaultTenant, identity: Path) -> None:
        assert plain.call("GET", "/v1/health").status == 401
        known = replace(plain, context=client("", 0, acme.ca_file, identity).context)
        assert known.call("GET", "/v1/health").body == {"host": GUARDRAIL, "status": "ok"}


def test_what_is_no_request_is_refused_in_words() -> None:
    with pytest.raises(MalformedRequestError, match="no certificate request in PEM"):
        certificates.common_name("hello")
