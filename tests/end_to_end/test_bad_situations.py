"""Whoever is refused is told by whom and what to do, in a line, at once, and without a secret.

Here is what breaks nothing: tenants that are up stay so, and each situation is mended again.
"""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from platform_driver import PLATFORM, Platform

pytestmark = pytest.mark.end_to_end

KEY = f"sk-{secrets.token_hex(16)}"
WRONG = secrets.token_hex(16)
CHANGE_HOST_KEY = """\
cd /etc/ssh && mkdir -m 700 kept && mv ssh_host_ed25519_key* kept
ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && systemctl restart ssh
"""
RESTORE_HOST_KEY = "cd /etc/ssh && mv kept/* . && rmdir kept && systemctl restart ssh"
VERIFY = ("verify", "acme")
UP = ("up", "acme")
SET_KEY = ("keys", "set", "acme", "openai")
IDENTITY = ("identity", "acme", "--", "true")


@pytest.fixture(scope="module")
def known(deployed: Platform) -> tuple[str, ...]:
    """What no message may hold."""
    folder = deployed.cloud.state_dir
    vault = json.loads((folder / "vault" / "init.json").read_text())
    operators = deployed.run("printenv", "VAULT_TOKEN").stdout.strip()
    api_key = (folder / "tailscale-api-key").read_text().strip()
    return (KEY, WRONG, deployed.token, deployed.cloud.token, api_key, operators, *vault.values())


@pytest.fixture
def sealed(deployed: Platform) -> Iterator[None]:
    operator = replace(deployed, token=deployed.cloud.token)
    operator.api("POST", "/_local/vault/seal")
    yield
    operator.api("POST", "/_local/vault/unseal")


@pytest.fixture
def refused(deployed: Platform, known: tuple[str, ...]) -> Callable[..., str]:
    """A command of ours that is refused; what it says, which is one line."""

    def run(*command: str, **wrong: str) -> str:
        settings = [f"{name}={value}" for name, value in wrong.items()]
        done = deployed.run(
            "env", *settings, "python", "-m", f"stacks.{command[0]}", *command[1:], check=False, stdin=KEY
        )
        assert done.returncode == 1, f"{command} is refused: {done.stderr}{done.stdout}"
        _refuse_secrets(done, known)
        (line,) = done.stderr.splitlines()
        return line

    return run


def _refuse_secrets(done: subprocess.CompletedProcess[str], known: tuple[str, ...]) -> None:
    said = done.stderr + done.stdout
    assert "Traceback" not in said, said
    assert not [secret[:4] for secret in known if secret in said], "a secret is never shown"


def test_a_sealed_vault_is_said_by_every_command_that_needs_it(
    sealed: None, refused: Callable[..., str]
) -> None:
    del sealed
    for command in (("up", PLATFORM), UP, VERIFY, SET_KEY, IDENTITY):
        assert "is sealed: unseal it" in refused(*command), f"{command} says the way out"


@pytest.mark.parametrize("command", [VERIFY, SET_KEY, IDENTITY, UP])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VAULT_TOKEN", WRONG, "refuses VAULT_TOKEN: has it expired"),
        ("VAULT_ADDR", "https://127.0.0.1:9", "the vault at https://127.0.0.1:9 can't be reached"),
        ("VAULT_CACERT", "/nowhere/ca.crt", "can't read VAULT_CACERT '/nowhere/ca.crt': set it"),
    ],
    ids=["token", "address", "certificate"],
)
def test_a_wrong_setting_of_the_vault_is_named(
    refused: Callable[..., str], command: tuple[str, ...], name: str, value: str, said: str
) -> None:
    assert said in refused(*command, **{name: value})


def test_a_revoked_tailscale_key_is_named_and_no_host_is_given_up(refused: Callable[..., str]) -> None:
    wrong = {"TAILSCALE_API_KEY": f"tskey-api-{WRONG}"}
    assert "set another TAILSCALE_API_KEY" in refused(*VERIFY, **wrong)
    assert "the tailnet's policy can't be read" in refused("up", PLATFORM, **wrong)
    said = refused(*UP, **wrong)
    assert "the tailnet can't be asked for acme-" in said, "which host it was about"
    assert "check the API key" in said, "the way out"
    assert "stacks.replace" not in said, "the host is well: only the key isn't"


@pytest.mark.parametrize(
    ("command", "way_out"),
    [
        (("up", "nobody"), "choose one of those there are (acme, globex, platform)"),
        (("verify", "nobody"), "check the names"),
        (("identity", "nobody", "--", "true"), "check the names"),
        (("keys", "set", "nobody", "openai"), "`- nobody` in Pulumi.platform.yaml"),
        (("replace", "nobody"), "choose among those there are (acme-agent-"),
        (("destroy", "nobody"), "choose one of those there are"),
    ],
)
def test_a_name_that_nobody_has_is_said_with_those_there_are(
    refused: Callable[..., str], command: tuple[str, ...], way_out: str
) -> None:
    said = refused(*command)
    assert "nobody" in said
    assert way_out in said


def test_a_host_with_another_host_key_or_without_sshd_is_not_entered(
    deployed: Platform, known: tuple[str, ...]
) -> None:
    hosts = sorted(thing.name for thing in deployed.inventory.hosts("acme"))
    foreign, silent = hosts[:2]
    console = deployed.cloud.console
    console(foreign, "sh", "-c", CHANGE_HOST_KEY)
    console(silent, "systemctl", "stop", "ssh")
    try:
        done = deployed.stacks("verify", "acme", "--json", check=False)
    finally:
        console(foreign, "sh", "-c", RESTORE_HOST_KEY)
        console(silent, "systemctl", "start", "ssh")
    assert done.returncode == 1
    _refuse_secrets(done, known)
    found = json.loads(done.stdout)["findings"]
    said = {each["subject"]: each["detail"] for each in found if each["check"] == "entered over the mesh"}
    assert "shows another host key than was pinned" in said[foreign], "before anything is said to it"
    assert f"can't enter {silent!r}" in said[silent]
    for host in (foreign, silent):
        assert f"python -m stacks.replace {host}" in said[host], "the way out"
    assert set(filter(None, said.values())) == {said[foreign], said[silent]}, "the others are as they were"
