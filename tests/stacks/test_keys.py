"""The command for customers' keys, as a person runs it, against a real vault."""

import io
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from vault_server import RunningVault, running_vault

from components.vault_layout import keys_mount
from components.vault_provider import MountProvider
from stacks import keys
from stacks.keys import KeysError, given_key

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        for tenant in ("acme", "globex"):
            MountProvider().create(
                {"path": keys_mount(tenant), "type": "kv", "options": {"version": "2"}, "config": {}}
            )
        yield running


def run(vault: RunningVault, *arguments: str, key: str = "", **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "stacks.keys", *arguments],
        cwd=REPO,
        env={**os.environ, **vault.environment, **environment},
        input=key,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def stored(vault: RunningVault, tenant: str, provider: str) -> str:
    """Read with the root token: the operator may not."""
    read = vault.root.secrets.kv.v2.read_secret_version
    path = f"providers/{provider}"
    answer = read(path, mount_point=keys_mount(tenant), raise_on_deleted_version=True)
    return str(answer["data"]["data"]["key"])


def test_a_key_goes_from_standard_input_to_the_vault_and_is_never_shown(vault: RunningVault) -> None:
    first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    code, said = run(vault, "set", "acme", "anthropic", key=f"{first}\n")
    assert (code, said) == (0, "stored: acme's key for anthropic, version 1\n")
    assert stored(vault, "acme", "anthropic") == first, "without the line's end"
    _, said_again = run(vault, "set", "acme", "anthropic", key=second)
    assert "version 2" in said_again
    assert stored(vault, "acme", "anthropic") == second
    code, listed = run(vault, "list", "acme")
    assert code == 0
    assert "anthropic" in listed
    for secret in (first, second):
        assert secret not in said + said_again + listed


def test_a_removed_key_is_gone_with_its_versions(vault: RunningVault) -> None:
    run(vault, "set", "globex", "openai", key=secrets.token_urlsafe(32))
    assert run(vault, "remove", "globex", "openai") == (0, "removed: globex's key for openai\n")
    code, said = run(vault, "remove", "globex", "openai")
    assert (code, said) == (1, "error: 'globex' has no key for 'openai': choose of those there are (none)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "initech"), r"no place for keys of 'initech': have `- initech` in Pulumi.platform.yaml"),
        (("list", "Acme!"), "'Acme!' is no tenant's name"),
        (("set", "acme", "../volumes"), "'../volumes' is no provider's name"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(
    vault: RunningVault, arguments: tuple[str, ...], message: str
) -> None:
    code, said = run(vault, *arguments)
    assert code == 1
    assert said.startswith("error: ")
    assert message in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"VAULT_TOKEN": "nobodys-token"}, "refuses VAULT_TOKEN"),
        ({"VAULT_TOKEN": ""}, "no VAULT_TOKEN: set it"),
        ({"VAULT_ADDR": "https://127.0.0.1:1"}, "can't be reached"),
    ],
)
def test_a_vault_that_refuses_or_is_away_is_one_line_without_a_secret(
    vault: RunningVault, environment: dict[str, str], reason: str
) -> None:
    key = secrets.token_urlsafe(32)
    code, said = run(vault, "set", "acme", "anthropic", key=key, **environment)
    assert code == 1
    assert reason in said
    assert len(said.splitlines()) == 1
    assert key not in said
    assert "nobodys-token" not in said


def test_a_sealed_vault_is_said_with_the_way_out(vault: RunningVault) -> None:
    vault.seal()
    try:
        code, said = run(vault, "list", "acme")
    finally:
        vault.unseal()
    assert code == 1
    assert "is sealed: unseal it" in said


@pytest.mark.parametrize(
    "given",
    ["", "\n", "two words", "two\nlines", "x" * (keys.LONGEST_KEY + 1), "bell\a"],
    ids=["nothing", "an empty line", "words", "lines", "too long", "unprintable"],
)
def test_what_can_be_no_key_is_not_stored_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    with pytest.raises(KeysError, match=r"is no key \(\d+ characters\)") as caught:
        given_key()
    assert not given.strip() or given.strip() not in str(caught.value)


def test_a_key_is_asked_for_unseen_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def prompt(text: str, *, hide_input: bool) -> str:
        asked.append(hide_input)
        return "a-key" if text else ""

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(keys.typer, "prompt", prompt)
    assert given_key() == "a-key"
    assert asked == [True], "nobody looking over a shoulder may see it"
