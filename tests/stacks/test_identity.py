"""The operator's identity against a real vault, a real SSH agent and a real sshd."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from fabric import Config, Connection
from paramiko import AutoAddPolicy
from real_cloud import ROOT, free_port, needs_a_real_machine
from vault_server import RunningVault, running_vault

from components.vault_client import VaultError
from components.vault_layout import SSH, SSH_ROLE, ssh_role
from stacks.errors import IdentityError
from stacks.identity import operator_identity

PATIENCE = 10.0
MANIFEST = ROOT / ".tenantry" / "toolchain.json"

IN_THE_IMAGE = """\
mount -t tmpfs tmpfs "$1/run" && mkdir "$1/run/sshd"
mount --bind /dev "$1/dev"
mount --bind "$2" "$1/mnt"
exec chroot "$1" /usr/sbin/sshd -D -f /mnt/config
"""
"""Starts the droplets' own sshd, in a mount namespace of its own, so that the image stays as it is."""


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    """With the SSH CA as the platform makes it, for two tenants."""
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        root = running.root
        root.sys.enable_secrets_engine("ssh", path=SSH)
        root.secrets.ssh.submit_ca_information(
            mount_point=SSH, generate_signing_key=True, key_type="ssh-ed25519"
        )
        root.write_data(f"{SSH}/roles/{SSH_ROLE}", data=ssh_role(["acme", "globex"]))
        yield running


@dataclass(frozen=True)
class Sshd:
    """An sshd that lets in who has a certificate for `tenant-acme`, and nobody else."""

    port: int

    def answer(self, identity: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        command = (
            "ssh", "-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "root@127.0.0.1", "echo in",
        )  # fmt: skip
        return subprocess.run(
            command, env={**os.environ, **identity}, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def sshd(vault: RunningVault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    needs_a_real_machine(MANIFEST)
    folder, port = tmp_path_factory.mktemp("sshd"), free_port()
    ca = vault.root.secrets.ssh.read_public_key(mount_point=SSH)["data"]["public_key"]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    (folder / "ca.pub").write_text(ca)
    (folder / "principals").write_text("tenant-acme\n")
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey /mnt/key\nTrustedUserCAKeys /mnt/ca.pub\n"
        "AuthorizedPrincipalsFile /mnt/principals\nAuthorizedKeysFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    )
    image = json.loads(MANIFEST.read_text())["images"]["debian-12-x64"]
    process = subprocess.Popen(["unshare", "--mount", "sh", "-euc", IN_THE_IMAGE, "sh", image, str(folder)])
    try:
        _wait_until(lambda: _listens(port), "sshd never listened")
        yield Sshd(port)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_the_operator_is_let_into_the_hosts_of_the_chosen_tenants(vault: RunningVault, sshd: Sshd) -> None:
    with operator_identity(["acme"], vault.environment) as identity:
        answer = sshd.answer(identity)
    assert answer.stdout == "in\n", answer.stderr


def test_fabric_takes_the_certificate_from_the_agent(
    vault: RunningVault, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with operator_identity(["acme"], vault.environment) as identity:
        monkeypatch.setenv("SSH_AUTH_SOCK", identity["SSH_AUTH_SOCK"])
        config = Config(overrides={"load_ssh_configs": False})
        options = {"look_for_keys": False}
        with Connection(
            "127.0.0.1", user="root", port=sshd.port, config=config, connect_kwargs=options
        ) as connection:
            connection.client.set_missing_host_key_policy(AutoAddPolicy())
            said = connection.run("echo in", hide=True, in_stream=False)
    assert said.stdout == "in\n", "Fabric and the enrolment use the same identity"


def test_the_operator_of_one_tenant_is_kept_out_of_another_s_hosts(vault: RunningVault, sshd: Sshd) -> None:
    with operator_identity(["globex"], vault.environment) as identity:
        answer = sshd.answer(identity)
    assert "Permission denied" in answer.stderr, "the certificate is for tenant-globex alone"


def test_nothing_of_an_identity_is_left(vault: RunningVault, sshd: Sshd) -> None:
    with operator_identity(["acme"], vault.environment) as identity:
        path = Path(identity["SSH_AUTH_SOCK"])
        mode = path.parent.stat().st_mode & 0o777
    assert mode == 0o700, "nobody else could use it meanwhile"
    _wait_until(lambda: not path.parent.exists(), "the agent's folder stays")
    assert "Permission denied" in sshd.answer(identity).stderr, "the agent has gone with its key"


def test_the_agent_s_key_is_good_for_an_hour_at_most(vault: RunningVault) -> None:
    with operator_identity(["acme"], vault.environment) as identity:
        shown = subprocess.run(
            ["ssh-add", "-L"], env={**os.environ, **identity}, capture_output=True, text=True, check=True
        ).stdout
    described = subprocess.run(
        ["ssh-keygen", "-L", "-f", "-"], input=shown, capture_output=True, text=True, check=True
    ).stdout
    valid = next(line for line in described.splitlines() if "Valid:" in line).split()
    start, end = (time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) for text in (valid[2], valid[4]))
    assert end - start <= 3700, f"an hour, and the half minute that clocks may differ: {valid}"
    assert "tenant-acme" in described, "for the tenant's hosts"


def test_an_agent_ends_with_its_run_also_when_that_is_killed(vault: RunningVault) -> None:
    program = (
        "import sys, time; from stacks.identity import operator_identity\n"
        "with operator_identity(['acme']) as i: print(i['SSH_AUTH_SOCK'], flush=True); time.sleep(60)"
    )
    environment = {**os.environ, **vault.environment, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert path.is_socket(), "the identity is there"
        process.send_signal(signal.SIGKILL)
    _wait_until(lambda: not path.parent.exists(), "the agent outlived its run")


def test_a_command_is_run_under_the_identity_and_its_code_is_returned(
    vault: RunningVault, tmp_path: Path
) -> None:
    done = _command(vault, tmp_path, "acme", "--", "sh", "-c", "ssh-add -L; exit 7")
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith("ssh-ed25519-cert-v01@openssh.com "), done.stderr


def test_a_command_that_is_not_there_is_said(vault: RunningVault, tmp_path: Path) -> None:
    done = _command(vault, tmp_path, "acme", "--", "no-such-program")
    assert (done.returncode, done.stderr) == (
        1,
        "error: can't run 'no-such-program': No such file or directory\n",
    )


def test_without_a_command_the_usage_is_said(vault: RunningVault, tmp_path: Path) -> None:
    assert "usage: python -m stacks.identity" in _command(vault, tmp_path, "acme").stderr


def test_a_tenant_that_the_platform_lacks_is_refused_by_name(vault: RunningVault) -> None:
    with (
        pytest.raises(IdentityError, match=r"tenant-initech.*platform's spec.*stacks\.up platform"),
        operator_identity(["initech"], vault.environment),
    ):
        pass


@pytest.mark.parametrize("missing", ["VAULT_ADDR", "VAULT_TOKEN"])
def test_a_setting_that_is_missing_is_named(vault: RunningVault, missing: str) -> None:
    environment = {key: value for key, value in vault.environment.items() if key != missing}
    with pytest.raises(VaultError, match=f"no {missing}: set it"), operator_identity(["acme"], environment):
        pass


def test_a_vault_that_is_not_there_is_said_with_its_address(vault: RunningVault) -> None:
    elsewhere = {**vault.environment, "VAULT_ADDR": f"https://127.0.0.1:{free_port()}"}
    with (
        pytest.raises(VaultError, match=r"can't be reached.*VAULT_ADDR"),
        operator_identity(["acme"], elsewhere),
    ):
        pass


def test_a_token_that_may_not_sign_is_said_and_not_shown(vault: RunningVault) -> None:
    token = vault.root.auth.token.create(policies=["default"], ttl="5m")["auth"]["client_token"]
    with (
        pytest.raises(VaultError, match="refuses VAULT_TOKEN") as caught,
        operator_identity(["acme"], {**vault.environment, "VAULT_TOKEN": token}),
    ):
        pass
    assert token not in str(caught.value), "a token is never shown"


def test_a_vault_without_the_platform_says_to_bring_it_up(tmp_path: Path) -> None:
    with (
        running_vault(tmp_path / "empty") as empty,
        pytest.raises((IdentityError, VaultError), match=r"stacks\.up platform"),
        operator_identity(["acme"], empty.environment),
    ):
        pass


def test_a_sealed_vault_is_said(tmp_path: Path) -> None:
    with running_vault(tmp_path / "sealed") as sealed:
        sealed.seal()
        with (
            pytest.raises(VaultError, match="sealed: unseal it"),
            operator_identity(["acme"], sealed.environment),
        ):
            pass


def _command(vault: RunningVault, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stacks.identity", *arguments],
        env={**os.environ, **vault.environment, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(condition: Callable[[], bool], said: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
