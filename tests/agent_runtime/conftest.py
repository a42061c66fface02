"""One vault for the session, with two tenants in it, and names that lead to the loopback."""

import itertools
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from guardrail_driver import AGENT, GUARDRAIL
from runtime_driver import LOOPBACK, Authority, VaultTenant, places, running
from vault_server import RunningVault, running_vault

from agent_runtime import guardrail
from agent_runtime.places import Places
from agent_runtime.settings import Settings

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as server:
        yield server


@pytest.fixture(scope="session")
def acme(vault: RunningVault, tmp_path_factory: pytest.TempPathFactory) -> VaultTenant:
    return VaultTenant.made("acme", vault, tmp_path_factory.mktemp("acme"))


@pytest.fixture(scope="session")
def globex(vault: RunningVault, tmp_path_factory: pytest.TempPathFactory) -> VaultTenant:
    return VaultTenant.made("globex", vault, tmp_path_factory.mktemp("globex"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "acme")


@pytest.fixture
def address() -> str:
    """An address of the loopback that no other test listens at."""
    return f"127.{64 + os.getpid() % 64}.{os.getpid() // 64 % 256}.{next(_numbers)}"


@pytest.fixture(autouse=True)
def etc_hosts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names of the tenants' domains, as a host's /etc/hosts has them: to add to; else the loopback."""
    known: dict[str, str] = {}
    resolve: Callable[..., Any] = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        is_ours = isinstance(host, str) and host.endswith(".tenantry.internal")
        return resolve(known.get(host, LOOPBACK) if is_ours else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def served(tmp_path: Path, acme: VaultTenant, address: str, etc_hosts: dict[str, str]) -> Iterator[Places]:
    """A guardrail that has enrolled, at work."""
    host = places(tmp_path / "guardrail")
    settings = acme.settings(GUARDRAIL, "guardrail", vpc_address=address)
    acme.certificate(host.identity, "guardrail", *settings.names)
    host.vault_token.write_text(acme.guardrail_token(GUARDRAIL))
    etc_hosts[settings.guardrail] = address
    with running(guardrail.server(settings, host)):
        yield host


@pytest.fixture
def agent(acme: VaultTenant) -> Settings:
    return acme.settings(AGENT, "agent")
