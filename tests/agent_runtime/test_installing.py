"""Installing a release: whole or not at all, and only what has changed is started again."""

import getpass
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from runtime_driver import settings as settings_of

from agent_runtime import install
from agent_runtime.errors import InstallError
from agent_runtime.places import Places
from agent_runtime.settings import Settings

RELEASES = [f"release {number}".encode() for number in range(6)]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The host's commands, as they would be run."""
    commands: list[str] = []
    monkeypatch.setattr(install, "run", lambda *command: commands.append(" ".join(command)))
    monkeypatch.setattr(install, "GROUP", getpass.getuser())
    return commands


@pytest.fixture
def host(tmp_path: Path) -> Places:
    found = Places(tmp_path / "root")
    found.settings.parent.mkdir(parents=True)
    return found


def agent(host: Places, content: bytes, **changes: str) -> tuple[Settings, Path]:
    """An agent's settings for a release of this content, delivered; and the file of the release."""
    archive = host.root / "delivered.pyz"
    archive.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    found = settings_of("acme", "acme-agent-writer-1", "agent", host.root / "ca.crt")
    settings = replace(found, release=digest, **changes)
    host.settings.write_text(json.dumps({"release": digest, **changes}))
    return settings, archive


def test_a_first_release_is_linked_and_its_services_started(host: Places, ran: list[str]) -> None:
    settings, archive = agent(host, RELEASES[0])
    assert install.install(settings, host, archive) == [install.IDENTITY_UNIT, install.HOST_UNIT]
    assert (host.current / install.ARCHIVE).read_bytes() == RELEASES[0]
    assert host.current.resolve().name == settings.release
    assert "systemctl daemon-reload" in ran
    assert not (host.units / install.GUARDRAIL_UNIT).exists(), "an agent's host has no guardrail"


@pytest.mark.usefixtures("ran")
def test_the_same_again_starts_nothing(host: Places, ran: list[str]) -> None:
    install.install(*_around(host, *agent(host, RELEASES[0])))
    ran.clear()
    assert install.install(*_around(host, *agent(host, RELEASES[0]))) == []
    assert not [command for command in ran if command.startswith("systemctl")]


@pytest.mark.usefixtures("ran")
def test_another_release_starts_the_servers_and_a_rollback_too(host: Places) -> None:
    for content in (RELEASES[0], RELEASES[1], RELEASES[0]):
        assert install.install(*_around(host, *agent(host, content)))
        assert (host.current / install.ARCHIVE).read_bytes() == content


@pytest.mark.usefixtures("ran")
def test_only_the_last_releases_are_kept(host: Places) -> None:
    for content in RELEASES:
        install.install(*_around(host, *agent(host, content)))
    assert len(list(host.releases.iterdir())) == install.KEPT_RELEASES


@pytest.mark.usefixtures("ran")
def test_new_settings_start_the_servers(host: Places) -> None:
    install.install(*_around(host, *agent(host, RELEASES[0])))
    assert install.install(*_around(host, *agent(host, RELEASES[0], guardrail="other.tenantry.internal")))


def test_the_data_stays_unlocked_when_a_release_changes(host: Places, ran: list[str]) -> None:
    for content in RELEASES[:2]:
        install.install(*_around(host, *agent(host, content, volume="acme-agent-writer-1-data")))
    about_it = [command for command in ran if install.VOLUME_UNIT in command and "enable" not in command]
    assert set(about_it) == {f"systemctl start --no-block {install.VOLUME_UNIT}"}


def test_a_volume_that_is_taken_away_is_locked_and_its_unit_removed(host: Places, ran: list[str]) -> None:
    install.install(*_around(host, *agent(host, RELEASES[0], volume="acme-agent-writer-1-data")))
    install.install(*_around(host, *agent(host, RELEASES[0])))
    assert f"systemctl disable --quiet --now {install.VOLUME_UNIT}" in ran
    assert not (host.units / install.VOLUME_UNIT).exists()


def test_a_copy_that_broke_off_changes_nothing(host: Places, ran: list[str]) -> None:
    install.install(*_around(host, *agent(host, RELEASES[0])))
    ran.clear()
    settings, archive = agent(host, RELEASES[1])
    archive.write_bytes(RELEASES[1][:-1])
    with pytest.raises(InstallError, match="broke off"):
        install.install(settings, host, archive)
    assert (host.current / install.ARCHIVE).read_bytes() == RELEASES[0]
    assert not ran


def test_a_guardrail_has_the_guardrails_unit(host: Places) -> None:
    guardrail = settings_of("acme", "acme-guardrail-1", "guardrail", host.root / "ca.crt")
    assert install.GUARDRAIL_UNIT in install.units_of(guardrail)


def _around(host: Places, settings: Settings, archive: Path) -> tuple[Settings, Places, Path]:
    return settings, host, archive
