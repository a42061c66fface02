"""A console is inside the droplet: it may do and use what the droplet may, and no more."""

import time
from collections.abc import Iterator

import httpx
import pytest
from real_cloud import LocalCloud

pytestmark = pytest.mark.end_to_end

NAME = "console-1"
BOOT_SECONDS = 120


@pytest.fixture(scope="module")
def droplet(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """A cloud with a droplet named `console-1`."""
    headers = {"Authorization": f"Bearer {cloud.token}"}
    body = {"name": NAME, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
    with httpx.Client(base_url=cloud.url, headers=headers, timeout=60) as api:
        made = api.post("/v2/droplets", json=body).raise_for_status().json()["droplet"]
        deadline = time.monotonic() + BOOT_SECONDS
        while api.get(f"/v2/droplets/{made['id']}").json()["droplet"]["status"] != "active":
            assert time.monotonic() < deadline, f"the droplet has not booted within {BOOT_SECONDS} s"
            time.sleep(0.1)
        yield cloud
        api.delete(f"/v2/droplets/{made['id']}").raise_for_status()


def test_a_console_has_the_capabilities_and_limits_of_its_droplet(droplet: LocalCloud) -> None:
    def seen(what: str) -> list[str]:
        return droplet.console(NAME, "sh", "-c", f"{what.format('1')}; {what.format('self')}").stdout.split()

    init, console = seen("grep CapBnd /proc/{}/status | cut -f2")
    assert console == init, "the same bounding set"
    assert int(console, 16) >> 16 & 1 == 0, "of which CAP_SYS_MODULE is no part"
    groups = droplet.console(NAME, "sh", "-c", "cat /proc/1/cgroup; echo; cat /proc/self/cgroup").stdout
    of_init, of_console = groups.strip().split("\n\n")
    assert of_console == of_init, "the same groups, so the same limits"


def test_a_console_cannot_reach_the_devices_of_the_host(droplet: LocalCloud) -> None:
    script = "mknod /tmp/disk b 7 0 && cat /tmp/disk"
    refused = droplet.console(NAME, "sh", "-c", script, check=False)
    assert refused.returncode != 0
    assert "Operation not permitted" in refused.stderr


def test_a_droplet_that_has_booted_has_no_failed_unit(droplet: LocalCloud) -> None:
    state = droplet.console(NAME, "systemctl", "is-system-running", "--wait", check=False).stdout.strip()
    failed = droplet.console(NAME, "systemctl", "--failed", "--no-legend").stdout
    assert state == "running", f"failed: {failed}"
