"""Enrolment and dismissal against a real vault; the host is a stand-in that does what it is told to."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import hvac
import pytest
from invoke.exceptions import CommandTimedOut
from vault_server import RunningVault, running_vault

from components import enrolling
from components import vault_layout as layout
from components.enrolling import EnrolmentError, dismiss, enrol
from components.enrolment import _Provider
from components.vault_client import VaultError

HOST = "acme-guardrail-1"


@dataclass
class Host:
    """What comes on standard input is remembered; `does` makes the answer of it, as `enrol` would."""

    vault: RunningVault
    does: Callable[[dict[str, Any]], str] = field(init=False)
    heard: list[dict[str, Any]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    accessor: str | None = None

    def __post_init__(self) -> None:
        self.does = self.logs_in

    def logs_in(self, sent: dict[str, Any]) -> str:
        secret = self.unwrapped(sent["wrapping_token"])["secret_id"]
        login = self.vault.client().auth.approle.login(sent["role_id"], secret)["auth"]
        self.accessor = login["accessor"]
        return json.dumps({"host": HOST, "serial": "2a", "accessor": self.accessor})

    def unwrapped(self, token: str) -> dict[str, Any]:
        data: dict[str, Any] = self.vault.client(token).sys.unwrap()["data"]
        return data

    def run(self, command: str, **options: Any) -> Any:
        self.commands.append(command)
        self.heard.append(json.loads(options["in_stream"].read()))
        try:
            return Said(ok=True, stdout=self.does(self.heard[-1]))
        except RuntimeError as error:
            return Said(ok=False, stderr=f"Traceback\n{error}\n")


@dataclass
class Said:
    ok: bool
    stdout: str = ""
    stderr: str = ""


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    """With the AppRole of a guardrail, as the platform makes it."""
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        root, role = running.root, layout.role_name("acme", "guardrail")
        root.sys.enable_auth_method("approle")
        root.sys.create_or_update_policy(role, layout.policy("acme", "guardrail"))
        root.write_data(f"auth/approle/role/{role}", data=layout.app_role("acme", "guardrail"))
        yield running


@pytest.fixture(autouse=True)
def host(vault: RunningVault, monkeypatch: pytest.MonkeyPatch) -> Host:
    for name, value in vault.environment.items():
        monkeypatch.setenv(name, value)
    host = Host(vault)

    @contextmanager
    def connected(*_: str) -> Iterator[Host]:
        yield host

    monkeypatch.setattr(enrolling, "connected", connected)
    return host


@pytest.fixture(autouse=True)
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices that were taken out of the tailnet."""
    devices: list[str] = []

    class Tailnet(nullcontext["Tailnet"]):
        def __enter__(self) -> "Tailnet":
            return self

        def remove_device(self, device_id: str) -> None:
            devices.append(device_id)

    monkeypatch.setattr(enrolling, "Tailnet", Tailnet)
    return devices


@pytest.fixture
def props(vault: RunningVault) -> dict[str, Any]:
    role = layout.role_name("acme", "guardrail")
    return {
        "host": HOST,
        "tier": "guardrail",
        "role": role,
        "role_id": vault.root.auth.approle.read_role_id(role)["data"]["role_id"],
        "address": "100.64.0.3",
        "host_key": "ssh-ed25519 AAAA",
        "device_id": "n1",
        "droplet_id": "17",
        "speaker_address": "127.0.0.1",
        "speaker_droplet_id": "17",
    }


def test_a_host_logs_in_with_what_it_was_sent_and_says_who_it_is_now(
    host: Host, props: dict[str, Any]
) -> None:
    assert enrol(props) == {"serial": "2a", "accessor": host.accessor}
    assert host.commands == ["sudo /usr/local/lib/tenantry/enrol"], "no argument has a secret"
    assert host.heard[0].keys() == {"role", "role_id", "wrapping_token"}


def test_what_a_host_is_sent_opens_once(host: Host, props: dict[str, Any]) -> None:
    enrol(props)
    with pytest.raises(hvac.exceptions.VaultError, match=r"not valid|does not exist"):
        host.unwrapped(host.heard[0]["wrapping_token"])


def test_the_secret_works_once_and_knows_the_host(
    host: Host, vault: RunningVault, props: dict[str, Any]
) -> None:
    def twice(sent: dict[str, Any]) -> str:
        secret = host.unwrapped(sent["wrapping_token"])["secret_id"]
        first = vault.client().auth.approle.login(sent["role_id"], secret)["auth"]
        assert first["metadata"]["host"] == HOST, "whoever signs for it compares the name"
        with pytest.raises(hvac.exceptions.VaultError):
            vault.client().auth.approle.login(sent["role_id"], secret)
        return json.dumps({"host": HOST, "serial": "2a"})

    host.does = twice
    assert enrol(props) == {"serial": "2a", "accessor": None}, "an agent keeps no token"


def test_the_secret_and_its_token_are_of_use_from_the_guardrails_address_alone(
    host: Host, vault: RunningVault, props: dict[str, Any]
) -> None:
    enrol(props)
    bound = vault.root.auth.token.lookup_accessor(host.accessor)["data"]["bound_cidrs"]
    assert bound == ["127.0.0.1"], "a token that was carried elsewhere is worth nothing"

    def elsewhere(sent: dict[str, Any]) -> str:
        with pytest.raises(hvac.exceptions.VaultError, match="CIDR"):
            host.logs_in(sent)
        return json.dumps({"host": HOST, "serial": "2a"})

    host.does = elsewhere
    assert enrol({**props, "speaker_address": "127.0.0.9"})["accessor"] is None


def test_a_guardrail_that_was_replaced_has_its_agents_enrol_anew(props: dict[str, Any]) -> None:
    for change in ({"speaker_address": "100.64.0.8"}, {"speaker_droplet_id": "18"}):
        changed = _Provider().diff(HOST, props, {**props, **change})
        assert (changed.changes, changed.replaces) == (True, []), "it has the records of their enrolments"


def test_the_state_of_an_enrolment_holds_nothing_secret(host: Host, props: dict[str, Any]) -> None:
    outs = _Provider().create(props).outs
    assert outs is not None
    assert host.heard[0]["wrapping_token"] not in json.dumps(outs)
    assert outs == {**props, "serial": "2a", "accessor": host.accessor}


def test_a_host_that_refuses_is_said_with_its_own_last_line_and_its_token_is_spent(
    host: Host, props: dict[str, Any]
) -> None:
    def refuses(_: dict[str, Any]) -> str:
        raise RuntimeError("the vault does not answer")

    host.does = refuses
    with pytest.raises(
        EnrolmentError, match=rf"'{HOST}' can't be enrolled: the vault does not answer"
    ) as caught:
        enrol(props)
    token = host.heard[0]["wrapping_token"]
    assert token not in str(caught.value), "no secret is shown"
    with pytest.raises(hvac.exceptions.VaultError):
        host.unwrapped(token)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CommandTimedOut(result=None, timeout=180), "no answer within 180 s"),  # type: ignore[arg-type]
        (EOFError(), r"connection broke \(EOFError\)"),
    ],
)
def test_a_host_that_falls_silent_is_said(
    host: Host, props: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def falls_silent(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(host, "run", falls_silent)
    with pytest.raises(EnrolmentError, match=said):
        enrol(props)


def test_a_vault_that_gives_no_secret_is_said_with_the_host(
    props: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://127.0.0.1:9")
    with pytest.raises(VaultError, match=rf"no secret id for '{HOST}'.*can't be reached"):
        enrol(props)


def test_a_dismissed_host_has_no_token_and_no_device(
    host: Host, vault: RunningVault, props: dict[str, Any], removed: list[str]
) -> None:
    answer = enrol(props)
    dismiss({**props, **answer})
    assert removed == ["n1"]
    with pytest.raises(hvac.exceptions.VaultError):
        vault.root.auth.token.lookup_accessor(host.accessor)


def test_dismissing_twice_or_without_a_token_is_well(props: dict[str, Any], removed: list[str]) -> None:
    known = {**props, **enrol(props)}
    dismiss(known)
    dismiss(known)
    dismiss({**props, "accessor": None})
    assert removed == ["n1"] * 3, "what has gone already is well"


def test_a_new_droplet_is_another_host_and_a_new_role_is_a_new_identity(props: dict[str, Any]) -> None:
    provider = _Provider()
    assert not provider.diff(HOST, {**props, "serial": "2a"}, props).changes, "what it said is no difference"
    replaced = provider.diff(HOST, props, {**props, "droplet_id": "18", "device_id": "n2"})
    assert (replaced.changes, replaced.replaces) == (True, ["droplet_id"])
    updated = provider.diff(HOST, props, {**props, "role_id": "another"})
    assert (updated.changes, updated.replaces) == (True, [])


def test_a_new_identity_ends_the_token_of_the_old_one_and_nothing_else(
    vault: RunningVault, props: dict[str, Any], removed: list[str]
) -> None:
    old = {**props, **enrol(props)}
    new = _Provider().update(HOST, old, props).outs
    assert new is not None
    assert new["accessor"] != old["accessor"]
    assert vault.root.auth.token.lookup_accessor(new["accessor"])["data"]["meta"]["host"] == HOST
    with pytest.raises(hvac.exceptions.VaultError):
        vault.root.auth.token.lookup_accessor(old["accessor"])
    assert not removed, "it is the same device"


def test_the_provider_is_kept_in_states_by_name_and_not_by_its_code() -> None:
    from pulumi.dynamic.dynamic import serialize_provider  # noqa: PLC0415

    assert len(serialize_provider(_Provider())) < 200, "a change of code is no change of the resource"
