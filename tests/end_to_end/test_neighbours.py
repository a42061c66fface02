"""A tenant comes and goes, and the others notice nothing: no resource changes, no packet is lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from platform_driver import PLATFORM, SECONDS, TENANTS, Platform, small_spec

pytestmark = pytest.mark.end_to_end

NEW = "soylent"
KNOCK = """\
import select, socket, sys, time
tried, lost = 0, []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    for address, port in {targets!r}:
        tried += 1
        try:
            socket.create_connection((address, port), timeout=20).close()
        except OSError as error:
            lost.append((address, port, str(error)))
print(tried, lost)
"""
"""Connects again and again until its input ends. A lost first packet would be sent anew after a
second, and a lost handshake of WireGuard's after five."""


@contextmanager
def _knocking(platform: Platform, prefix: list[str], targets: list[tuple[str, int]]) -> Iterator[list[str]]:
    said: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", *prefix, "--", "python3", "-c", KNOCK.format(targets=targets)],
        env=dict(platform.cloud.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield said
    finally:
        said.append(process.communicate(timeout=60)[0])


def _is_untouched(platform: Platform) -> None:
    for tenant in ("acme", "globex"):
        assert platform.preview(tenant) == {}, f"{tenant} has nothing to do with it"


@pytest.fixture(scope="module")
def met(deployed: Platform) -> list[list[str]]:
    """What two of globex's neighbours of old saw, within its VPC and over the mesh, meanwhile."""
    hosts = {host.name: host for host in deployed.inventory.hosts("globex")}
    guardrail = str(hosts["globex-guardrail-1"].private_address)
    mesh = [(device.address, port) for device in deployed.devices("globex") for port in (22, 9443)]
    with (
        _knocking(deployed, ["console", "globex-agent-analyst-1"], [(guardrail, 8443)]) as inside,
        _knocking(deployed, ["exec"], mesh) as over_the_mesh,
    ):
        deployed.change(PLATFORM, tenants=[*TENANTS, NEW])
        deployed.write(NEW, small_spec(NEW, 77))
        try:
            report = deployed.up(PLATFORM, NEW)
            assert report[NEW]["succeeded"], "one line in the platform's spec, and it can come up"
            _is_untouched(deployed)
            deployed.stacks("verify", NEW)
        finally:
            deployed.stacks("destroy", NEW, "--remove")
            deployed.change(PLATFORM, tenants=list(TENANTS))
            deployed.stacks("up", PLATFORM)
        _is_untouched(deployed)
    return [inside, over_the_mesh]


def test_no_connection_of_the_others_is_lost_meanwhile(met: list[list[str]]) -> None:
    for (said,) in met:
        tried, lost = said.split(" ", 1)
        assert int(tried) > 100, f"it knocked all the time, for up to {SECONDS} s"
        assert lost.strip() == "[]", "each one was let in, within its 5 seconds"


def test_nothing_of_the_one_that_went_is_left(deployed: Platform, met: list[list[str]]) -> None:
    del met
    assert not deployed.things(NEW), "the account is as before"
    assert not deployed.devices(NEW), "so is the tailnet"
    policy = str(deployed.tailscale("GET", "/tailnet/-/acl"))
    assert NEW not in policy, "and its policy"
    script = "import hvac, os; v = hvac.Client(verify=os.environ['VAULT_CACERT']); "
    mounts = deployed.run("python", "-c", f"{script} print(v.sys.list_mounted_secrets_engines())").stdout
    assert "tenants/acme/keys" in mounts, "those of the others are there"
    assert NEW not in mounts, "and the vault has none of its"
