"""The units of the release are valid to systemd, and shut in as far as what they do allows."""

import json
import shutil
import subprocess

import pytest

from agent_runtime.install import ALL_UNITS, VOLUME_UNIT
from components.release import SOURCES

UNITS = SOURCES / "units"
SERVERS = [unit for unit in ALL_UNITS if unit != VOLUME_UNIT]
MOST_EXPOSED = 25  # tenths
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def analysed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", ALL_UNITS)
def test_systemd_finds_no_fault_in_a_unit(unit: str) -> None:
    checked = analysed("verify", "--man=no", "--recursive-errors=no", str(UNITS / unit))
    faults = [
        line for line in checked.stderr.splitlines() if unit in line and "is not executable" not in line
    ]
    assert not faults


@pytest.mark.parametrize("unit", SERVERS)
def test_a_server_is_hardly_exposed(unit: str) -> None:
    checked = analysed("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(UNITS / unit))
    assert checked.returncode == 0, checked.stdout


def test_the_volume_is_as_little_exposed_as_mounting_lets_it() -> None:
    checked = analysed("security", "--offline=true", "--threshold=45", str(UNITS / VOLUME_UNIT))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("unit", SERVERS)
def test_a_server_is_never_root_and_bounded(unit: str) -> None:
    text = (UNITS / unit).read_text()
    assert "DynamicUser=yes" in text or "User=tenantry-identity" in text
    assert {"MemoryMax", "TasksMax"} <= {line.partition("=")[0] for line in text.splitlines()}


def test_only_the_guardrails_server_may_read_its_vault_token() -> None:
    readers = [unit for unit in ALL_UNITS if "tenantry-vault" in (UNITS / unit).read_text()]
    assert readers == ["tenantry-guardrail.service"]


def test_units_run_the_release_that_is_linked() -> None:
    for unit in ALL_UNITS:
        starts = [line for line in (UNITS / unit).read_text().splitlines() if line.startswith("Exec")]
        assert all("/usr/bin/python3 -I /opt/tenantry/current/agent_runtime.pyz " in line for line in starts)


def test_every_unit_is_known_to_the_installation() -> None:
    assert {path.name for path in UNITS.glob("*.service")} == set(ALL_UNITS)


def test_fscrypts_settings_are_its_newest_policy() -> None:
    assert json.loads((UNITS / "fscrypt.json").read_text())["options"]["policy_version"] == "2"
