"""What is measured, one function each; every function returns seconds of wall time."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.cloud import CLONE, Cloud, run

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


def tenant_up(cloud: Cloud, tenant: str, agents: int) -> float:
    """From `up` to the end of cloud-init in every droplet, of a tenant that wasn't there."""
    cloud.spec(tenant, agents)
    hosts = [f"{tenant}-guardrail-1", *(f"{tenant}-agent-worker-{n}" for n in range(1, agents + 1))]

    def work() -> None:
        cloud.inside("python", "-m", "stacks.up", tenant)
        cloud.wait_for_boot(hosts)

    return _timed(work)


def unchanged_up(cloud: Cloud, tenant: str) -> float:
    """`up` when nothing has changed; it must report so."""
    begun = time.monotonic()
    report = json.loads(cloud.inside("python", "-m", "stacks.up", tenant, "--json"))
    seconds = time.monotonic() - begun
    if set(report[tenant]["changes"]) - {"same"}:
        sys.stderr.write(f"the second `up` of {tenant} changed something: {report[tenant]['changes']}\n")
    return seconds


def preview(cloud: Cloud, tenant: str) -> float:
    """`pulumi preview` of a tenant that is as its spec says."""
    folder = str(cloud.folder / "project")
    command = ("pulumi", "--cwd", folder, "--non-interactive", "preview", "--stack", tenant)
    return _timed(lambda: cloud.inside(*command))


def verification(cloud: Cloud, tenant: str) -> float:
    """`stacks.verify` of one tenant."""
    return _timed(lambda: cloud.inside("python", "-m", "stacks.verify", tenant))


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


def warm_set_up() -> float:
    """What a warm `make up` does, on a cloud that is empty: cloud, both tenants, verification."""
    begun = time.monotonic()
    with Cloud() as cloud:
        for tenant in ("acme", "globex"):
            _copy_spec(cloud, tenant)
        cloud.inside("python", "-m", "stacks.up", "acme", "globex")
        cloud.inside("python", "-m", "stacks.verify", "acme", "globex")
        return time.monotonic() - begun


def _copy_spec(cloud: Cloud, tenant: str) -> None:
    name = f"Pulumi.{tenant}.yaml"
    (cloud.folder / "specs" / name).write_bytes(Path(CLONE, name).read_bytes())


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
