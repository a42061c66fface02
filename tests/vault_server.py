"""A real OpenBao server for tests: on the loopback, with TLS, initialised and unsealed, with nothing mounted.

It is configured and set up by the local cloud's own code. `running_vault` is a context manager: make a
fixture of it, with the scope that the tests want.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import hvac
import pytest
import requests
from real_cloud import ROOT

from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.vault import operator
from local_cloud.hypervisor.vault.configuration import LOOPBACK, Configuration
from local_cloud.hypervisor.vault.keys import KeyFile, Keys

START_SECONDS = 20.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class RunningVault:
    """`address` is its URL, `ca_file` what to verify it by. The operator's rights are those of `exec`.

    Audit records go to `audit.log` in `directory`, and as datagrams to `collector_port`.
    """

    directory: Path
    address: str
    ca_file: Path
    collector_port: int
    root_token: str = field(repr=False)
    operator_token: str = field(repr=False)
    unseal_key: str = field(repr=False)

    @property
    def root(self) -> hvac.Client:
        return self.client(self.root_token)

    @property
    def operator(self) -> hvac.Client:
        return self.client(self.operator_token)

    @property
    def environment(self) -> Mapping[str, str]:
        """What `local_cloud exec` gives the operator."""
        return {
            "VAULT_ADDR": self.address,
            "VAULT_CACERT": str(self.ca_file),
            "VAULT_TOKEN": self.operator_token,
        }

    def client(self, token: str = "", seconds: float = 10) -> hvac.Client:
        """Gives up on an answer after so many seconds."""
        return hvac.Client(url=self.address, token=token, verify=str(self.ca_file), timeout=seconds)

    def seal(self) -> None:
        self.root.sys.seal()

    def unseal(self) -> None:
        self.root.sys.submit_unseal_key(self.unseal_key)
        _wait_until_active(self.root)


@contextlib.contextmanager
def running_vault(directory: Path) -> Iterator[RunningVault]:
    """A server with its data in `directory`, which may hold those of an earlier one."""
    directory.mkdir(parents=True, exist_ok=True)
    with _server(directory) as configuration:
        root = hvac.Client(url=configuration.url, token="", verify=str(directory / "ca.crt"), timeout=10)
        keys = _opened(root, KeyFile(directory))
        operator.set_up(root, directory / "operator-token")
        yield RunningVault(
            directory=directory,
            address=configuration.url,
            ca_file=directory / "ca.crt",
            collector_port=configuration.collector_port,
            root_token=keys.root_token,
            operator_token=(directory / "operator-token").read_text(),
            unseal_key=keys.unseal,
        )


@contextlib.contextmanager
def _server(directory: Path) -> Iterator[Configuration]:
    configuration = _configuration(directory)
    KeyFile(directory).drop_what_was_never_used(configuration.data)
    configuration.data.mkdir(exist_ok=True)
    file = directory / "bao.json"
    file.write_text(configuration.text())
    with (directory / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [_program(), "server", f"-config={file}"],
            env={"HOME": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_listening(process, configuration.port, directory / "server.log")
        yield configuration
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configuration(directory: Path) -> Configuration:
    authority = Authority(directory, "Vault of a test")
    authority.certificate()
    authority.issue(directory, ["vault", "localhost"], [LOOPBACK], os.getuid())
    port, cluster_port, collector_port = _ports(directory / "ports.json")
    return Configuration(
        address=IPv4Address(LOOPBACK),
        data=directory / "data",
        certificate=directory / "server.crt",
        key=directory / "server.key",
        audit_file=directory / "audit.log",
        port=port,
        cluster_port=cluster_port,
        collector_port=collector_port,
    )


def _opened(root: hvac.Client, key_file: KeyFile) -> Keys:
    keys = key_file.open(root)
    root.token = keys.root_token
    _wait_until_active(root)
    return keys


def _wait_until_active(client: hvac.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while client.sys.read_health_status().status_code != requests.codes.ok:
        assert time.monotonic() < deadline, "the vault was unsealed and does not become active"
        time.sleep(0.02)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((str(LOOPBACK), port), timeout=1):
            return
        assert process.poll() is None, f"bao has ended: {log.read_text()}"
        assert time.monotonic() < deadline, f"bao does not listen: {log.read_text()}"
        time.sleep(0.02)


def _ports(file: Path) -> list[int]:
    """The same ones again for the same data: OpenBao lets no audit device change its address."""
    if not file.exists():
        file.write_text(json.dumps(_free_ports(3)))
    ports: list[int] = json.loads(file.read_text())
    return ports


def _free_ports(count: int) -> list[int]:
    """All held until each is known, so that no two are the same."""
    with contextlib.ExitStack() as held:
        servers = [held.enter_context(socket.create_server((str(LOOPBACK), 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def _program() -> str:
    manifest = ROOT / ".tenantry" / "toolchain.json"
    if not manifest.exists():
        pytest.fail(f"there is no {manifest}: run `python -m toolchain` first")
    program: str = json.loads(manifest.read_text())["openbao"]
    return program
