"""The rules go with every run of the engine, and nobody switches one off quietly."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks import policy_pack
from stacks.errors import PolicyError
from stacks.policy_pack import CONFIG, PACK, PACK_VARIABLE, RANGES_RULE, read_config, refuse_without_pack

ROOT = Path(__file__).parents[2]


def test_the_pack_is_a_program_that_says_where_it_listens() -> None:
    process = subprocess.Popen([sys.executable, PACK], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip().isdigit(), "the engine reads a port"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    assert os.access(PACK, os.X_OK)


@pytest.mark.parametrize("packs", [str(PACK), str(PACK.parent), f"/somebody/elses,{PACK}"])
def test_a_program_that_is_judged_goes_on(packs: str) -> None:
    refuse_without_pack({PACK_VARIABLE: packs})


@pytest.mark.parametrize("environ", [{}, {PACK_VARIABLE: ""}, {PACK_VARIABLE: "/somebody/elses"}])
def test_a_program_that_nobody_judges_declares_nothing(environ: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match=rf"{PACK_VARIABLE}=.*stacks\.up"):
        refuse_without_pack(environ)


def test_settings_come_with_the_ranges_of_all_tenants(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / CONFIG).write_text(json.dumps({"tenant-budget": {"monthly_usd": 90}}))
    policy_pack.write_config(tmp_path, folder)
    settings = json.loads((folder / CONFIG).read_text())
    assert settings["tenant-budget"] == {"monthly_usd": 90}
    assert settings[RANGES_RULE]["ranges"]["acme"] == "10.32.0.0/24"
    assert policy_pack.environment(folder)["PULUMI_OPTION_POLICY_PACK_CONFIG"] == str(folder / CONFIG)


def test_ranges_of_others_come_on_top_and_of_tenants_from_specs_too(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    given = {"office": "192.168.0.0/16", "acme": "10.99.0.0/24"}
    (tmp_path / CONFIG).write_text(json.dumps({RANGES_RULE: {"ranges": given}}))
    for tenant, spec in (("zeta", {"ip_range": "10.77.0.0/24"}), ("eta", {"tenant": "eta"})):
        content = json.dumps({"config": {"tenantry:spec": spec}})
        (tmp_path / f"Pulumi.{tenant}.yaml").write_text(content)
    (tmp_path / "Pulumi.odd.yaml").write_text("[")
    policy_pack.write_config(tmp_path, folder)
    ranges = json.loads((folder / CONFIG).read_text())[RANGES_RULE]["ranges"]
    assert ranges["office"] == "192.168.0.0/16"
    assert ranges["zeta"] == "10.77.0.0/24"
    assert ranges["acme"] == "10.32.0.0/24", "what the ledger says isn't up to the settings"
    assert "eta" not in ranges


def test_settings_may_be_missing(tmp_path: Path) -> None:
    assert read_config(tmp_path / CONFIG) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "can't read"),
        ("[]", "a list, not an object"),
        ('{"tenant-tag": "disabled"}', "every rule is"),
        ('{"all": "advisory"}', "every rule is"),
        ('{"tenant-tag": {"enforcementLevel": "advisory"}}', "every rule is"),
        ('{"tenant-tags": {}}', "no such rule"),
        ('{"tenant-budget": {"montly_usd": 3}}', "no setting 'montly_usd'; it has: .*monthly_usd"),
    ],
)
def test_settings_that_would_weaken_a_rule_are_refused(tmp_path: Path, content: Any, says: str) -> None:
    (tmp_path / CONFIG).write_text(content)
    with pytest.raises(PolicyError, match=says):
        read_config(tmp_path / CONFIG)


def test_the_settings_that_come_with_the_repo_are_read() -> None:
    assert read_config(ROOT / CONFIG)["data-deletion-protection"]["disposable_tenants"] == ["acme", "globex"]
