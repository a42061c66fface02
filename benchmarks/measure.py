"""What is measured, one function each; every function returns seconds of wall time."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import yaml

from benchmarks.cloud import CLONE, Cloud, run

PACK = CLONE / "policies" / "tenantry-policies"
SIZE, IMAGE, REGION = "s-1vcpu-1gb", "debian-12-x64", "nyc3"


def empty_up(cloud: Cloud) -> float:
    """`pulumi up` of a program that declares nothing, the second time, when its stack is there."""
    folder = cloud.folder / "empty"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "empty", "runtime": "python"}))
    (folder / "__main__.py").write_text("import pulumi\n")
    common = ("pulumi", "--cwd", str(folder), "--non-interactive")
    cloud.inside(*common, "stack", "init", "empty", "--secrets-provider", "passphrase")
    update = (*common, "up", "--stack", "empty", "--yes", "--skip-preview")
    cloud.inside(*update)
    return _timed(lambda: cloud.inside(*update))


def one_droplet(cloud: Cloud) -> float:
    """From the API's call to the end of cloud-init, of one droplet with no user data."""
    begun = time.monotonic()
    body = {"name": "bench-alone", "region": REGION, "size": SIZE, "image": IMAGE}
    droplet = cloud.api("POST", "/v2/droplets", body)["droplet"]["id"]
    path = f"/v2/droplets/{droplet}"
    while cloud.api("GET", path)["droplet"]["status"] != "active":
        time.sleep(0.05)
    cloud.wait_for_boot(["bench-alone"])
    seconds = time.monotonic() - begun
    cloud.api("DELETE", path)
    return seconds


def platform_up(cloud: Cloud, tenants: Sequence[str]) -> float:
    """The platform's first `up`: the tailnet's policy file, and everything of these tenants in the vault."""
    return _timed(lambda: cloud.platform(*tenants))


def tenant_up(cloud: Cloud, tenant: str, agents: int) -> float:
    """From `up` to its end, of a tenant that wasn't there: every host booted, in the mesh, and enrolled."""
    cloud.spec(tenant, agents)
    return _timed(lambda: cloud.inside("python", "-m", "stacks.up", tenant))


def host_in_the_mesh(cloud: Cloud, tenant: str) -> float:
    """From the creation of a host, one more agent, until its host key was read over the mesh.

    The time is the engine's own, of the droplet's first event and of the pinned key's last.
    """
    cloud.spec(tenant, 2)
    folder = str(cloud.folder / "project")
    cloud.inside("python", "-m", "stacks.up", tenant)
    command = ("pulumi", "--cwd", folder, "stack", "export", "--stack", tenant)
    resources = json.loads(cloud.inside(*command))["deployment"]["resources"]
    host = f"{tenant}-agent-worker-2"
    created = {each["urn"].rsplit("::", 1)[-1]: each.get("created") for each in resources}
    return (_moment(created[f"{host}-mesh-host-key"]) - _moment(created[f"{host}-mesh-key"])).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def unchanged_up(cloud: Cloud, tenant: str) -> float:
    """`up` when nothing has changed; it must report so."""
    begun = time.monotonic()
    report = json.loads(cloud.inside("python", "-m", "stacks.up", tenant, "--json"))
    seconds = time.monotonic() - begun
    if set(report[tenant]["changes"]) - {"same"}:
        sys.stderr.write(f"the second `up` of {tenant} changed something: {report[tenant]['changes']}\n")
    return seconds


UNJUDGED = """\
import pulumi

from stacks.program import program
from stacks.spec import parse_spec

program(parse_spec(pulumi.Config("tenantry").get_object("spec")))
"""
"""The tenant's program without its refusal to run unjudged."""


def previews(cloud: Cloud, tenant: str, *, times: int = 5) -> tuple[float, float]:
    """`pulumi preview` of a tenant that is as its spec says, with the policy pack and without, in turn.

    The median of each.
    """
    folder = cloud.folder / "unjudged"
    shutil.copytree(cloud.folder / "project", folder, dirs_exist_ok=True)
    definition = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    (folder / "main.py").write_text(UNJUDGED)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**definition, "main": "main.py"}))
    plain = ("pulumi", "--cwd", str(folder), "--non-interactive", "preview", "--stack", tenant)
    settings = cloud.folder / "project" / "policies-config.json"
    judged = (*plain, "--policy-pack", str(PACK), "--policy-pack-config", str(settings))
    runs = [
        (_timed(lambda: cloud.inside(*judged)), _timed(lambda: cloud.inside(*plain))) for _ in range(times)
    ]
    return median(run[0] for run in runs), median(run[1] for run in runs)


def verification(cloud: Cloud, *tenants: str) -> float:
    """`stacks.verify` of tenants."""
    return _timed(lambda: cloud.inside("python", "-m", "stacks.verify", *tenants))


def destroy(cloud: Cloud, tenant: str) -> float:
    """Everything of a tenant taken away."""
    return _timed(lambda: cloud.inside("python", "-m", "stacks.destroy", tenant, "--remove"))


def warm_toolchain() -> float:
    """`python -m toolchain` when everything is there."""
    return _timed(lambda: run((sys.executable, "-m", "toolchain")))


def cold_toolchain() -> float:
    """`python -m toolchain` with an empty cache, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="tenantry-cold-") as folder:
        environment = {**os.environ, "TENANTRY_CACHE": folder}
        try:
            return _timed(lambda: run((sys.executable, "-m", "toolchain"), environment))
        finally:
            run((sys.executable, "-m", "toolchain"))


def warm_set_up() -> tuple[float, float]:
    """What a warm `make up` does, on a cloud that is empty: cloud, platform, both tenants, verification.

    And of that, the verification alone.
    """
    begun = time.monotonic()
    with Cloud() as cloud:
        for stack in ("platform", "acme", "globex"):
            _copy_spec(cloud, stack)
        cloud.inside("python", "-m", "stacks.up", "platform", "acme", "globex")
        verified = verification(cloud, "acme", "globex")
        return time.monotonic() - begun, verified


def _copy_spec(cloud: Cloud, tenant: str) -> None:
    name = f"Pulumi.{tenant}.yaml"
    (cloud.folder / "specs" / name).write_bytes(Path(CLONE, name).read_bytes())


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
