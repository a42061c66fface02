"""A change previewed against tenants that run, approved, and applied as it was approved or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from platform_driver import PLATFORM, TENANTS, Platform, platform_spec, small_spec

pytestmark = pytest.mark.end_to_end

COMING = "newcomer"
"""A tenant that the same change lists and describes."""


@pytest.fixture(scope="module")
def specs(deployed: Platform) -> Iterator[Path]:
    """The specs' folder; they are again as they were in the end, and so are the tenants."""
    folder = deployed.folder / "specs"
    before = {path: path.read_text() for path in folder.iterdir()}
    yield folder
    for path in folder.iterdir():
        path.unlink()
    for path, text in before.items():
        path.write_text(text)
    deployed.up("globex")


def preview(platform: Platform, folder: Path, *stacks: str) -> tuple[CompletedProcess[str], dict[str, Any]]:
    places = {"json": "preview.json", "markdown": "comment.md", "plans": "plans"}
    options = [f"--{option}={folder / name}" for option, name in places.items()]
    done = platform.stacks("preview", "--base", "HEAD", *options, *stacks, check=False)
    return done, json.loads((folder / "preview.json").read_text())


def resize(platform: Platform, size: str) -> None:
    path = platform.folder / "specs" / "Pulumi.globex.yaml"
    spec = yaml.safe_load(path.read_text())["config"]["tenantry:spec"]
    platform.change("globex", agents=[{**spec["agents"][0], "size": size}])


@pytest.fixture(scope="module")
def previewed(
    deployed: Platform, specs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CompletedProcess[str], dict[str, Any]]:
    """One change that resizes an agent of globex and adds a tenant."""
    del specs
    folder = tmp_path_factory.mktemp("preview")
    resize(deployed, "s-1vcpu-2gb")
    deployed.write(PLATFORM, platform_spec([*TENANTS, COMING]))
    deployed.write(COMING, small_spec(COMING, 80))
    done, report = preview(deployed, folder, PLATFORM, "acme", "globex", COMING)
    return folder, done, report


def test_a_change_that_breaks_no_rule_may_be_merged(
    previewed: tuple[Path, CompletedProcess[str], dict[str, Any]],
) -> None:
    folder, done, report = previewed
    assert done.returncode == 0, f"{done.stderr[-2000:]} {json.dumps(report)[:3000]}"
    comment = (folder / "comment.md").read_text()
    assert comment.startswith("<!-- tenantry-preview -->"), "so that it is found again"
    for stack in (PLATFORM, "acme", "globex", COMING):
        assert stack in comment


def test_what_a_tenant_would_cost_is_told_before_and_after(
    previewed: tuple[Path, CompletedProcess[str], dict[str, Any]],
) -> None:
    comment = (previewed[0] / "comment.md").read_text()
    (line,) = (line for line in comment.splitlines() if line.startswith("- **globex**"))
    before, after = (float(part.split()[0]) for part in line.split("$")[1:3])
    assert after == before + 6, "an s-1vcpu-2gb costs six dollars more than an s-1vcpu-1gb"


def test_a_preview_leaves_nothing_behind(
    deployed: Platform, previewed: tuple[Path, CompletedProcess[str], dict[str, Any]]
) -> None:
    del previewed
    stacks = {each["name"] for each in json.loads(deployed.pulumi("stack", "ls", "--all", "--json").stdout)}
    assert not [name for name in stacks if COMING in name], "the new tenant's stack was for the preview alone"
    assert not deployed.things(COMING)


def test_what_was_approved_is_done_and_nothing_else(
    deployed: Platform, previewed: tuple[Path, CompletedProcess[str], dict[str, Any]]
) -> None:
    plans = previewed[0] / "plans"
    resize(deployed, "s-2vcpu-2gb")
    refused = deployed.stacks("up", "globex", "--plans", str(plans), check=False)
    assert refused.returncode == 1, "the program isn't any more what was approved"
    assert "violates plan" in refused.stderr
    sizes = {each["name"]: each["size_slug"] for each in deployed.api("GET", "/v2/droplets")["droplets"]}
    assert sizes["globex-agent-analyst-1"] == "s-1vcpu-1gb", "and nothing was done"

    resize(deployed, "s-1vcpu-2gb")
    deployed.stacks("up", "globex", "--plans", str(plans))
    sizes = {each["name"]: each["size_slug"] for each in deployed.api("GET", "/v2/droplets")["droplets"]}
    assert sizes["globex-agent-analyst-1"] == "s-1vcpu-2gb"


def test_drift_is_found_and_the_state_stays(deployed: Platform, tmp_path: Path) -> None:
    assert deployed.stacks("drift", "globex", check=False).returncode == 0, "as it was brought up"
    firewalls = deployed.api("GET", "/v2/firewalls")["firewalls"]
    (mine,) = (each for each in firewalls if each["name"] == "globex-firewall-agent")
    world = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}
    deployed.api("POST", f"/v2/firewalls/{mine['id']}/rules", {"inbound_rules": [world]})
    try:
        found = deployed.stacks("drift", "globex", "--markdown", str(tmp_path / "drift.md"), check=False)
        assert found.returncode == 1
        assert "globex-firewall-agent" in (tmp_path / "drift.md").read_text()
    finally:
        deployed.api("DELETE", f"/v2/firewalls/{mine['id']}/rules", {"inbound_rules": [world]})


def test_what_runs_keeps_every_rule(deployed: Platform) -> None:
    done = deployed.stacks("audit", "acme", "globex", PLATFORM, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_recorded_bad_state_is_named_rule_by_rule(deployed: Platform, tmp_path: Path) -> None:
    exported = json.loads(deployed.pulumi("stack", "export", "--stack", "globex").stdout)
    for resource in exported["deployment"]["resources"]:
        if resource["urn"].endswith("Firewall::globex-firewall-agent"):
            rule = {"protocol": "tcp", "portRange": "22", "sourceAddresses": ["0.0.0.0/0"]}
            resource["inputs"]["inboundRules"] = [rule]
        if resource["urn"].endswith("Droplet::globex-guardrail-1"):
            resource["inputs"]["publicNetworking"] = True
    recorded = tmp_path / "state.json"
    recorded.write_text(json.dumps(exported))
    report = tmp_path / "audit.json"
    done = deployed.stacks("audit", "--file", str(recorded), "--json", str(report), check=False)
    assert done.returncode == 1
    (verdict,) = json.loads(report.read_text()).values()
    broken = {violation["policy"] for violation in verdict["violations"]}
    assert {"droplet-no-public-interface", "firewall-admits-nobody-by-address"} <= broken
