"""What a host's checks are made from: its state, as its own programs tell it."""

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from stacks.verification.on_host.commands import output, run

RESULT = Path("/run/cloud-init/result.json")
IDENTITY = "/var/lib/tenantry/identity/identity.pem"
SECRETS = (
    "/etc/tenantry/pg_service.conf",
    "/etc/tenantry/cache.env",
    IDENTITY,
    "/var/lib/tenantry/identity/vault-token",
)
JAIL_SECONDS = 30.0
METADATA = "http://169.254.169.254/metadata/v1/user-data"

STARTING = ("systemctl", "list-units", "tenantry-*", "--state=activating", "--plain", "--no-legend")
"""What of ours is still starting: after a boot some wait for the mesh's address."""

PROGRAMS: dict[str, tuple[str, ...]] = {
    "failed_units": ("systemctl", "list-units", "--failed", "--plain", "--no-legend"),
    "ufw": ("ufw", "status", "verbose"),
    "sshd": ("sshd", "-T"),
    "listening": ("ss", "-H", "-t", "-u", "-l", "-n", "-p"),
    "audit_check": ("augenrules", "--check"),
    "mesh": ("tailscale", "status", "--json", "--peers=false"),
    "upgrades": ("apt-config", "dump", "APT::Periodic"),
    "upgrade_timer": ("systemctl", "is-enabled", "apt-daily-upgrade.timer"),
    "container": ("systemd-detect-virt", "--container"),
    "own_units": ("systemctl", "list-units", "tenantry-*", "--all", "--plain", "--no-legend"),
    "certificate": (
        "openssl",
        "x509",
        "-noout",
        "-startdate",
        "-enddate",
        "-subject",
        "-in",
        IDENTITY,
    ),
}


def facts(question: dict[str, Any]) -> dict[str, Any]:
    """Everything at once: the programs wait for one another's answers no more than they must."""
    deadline = time.monotonic() + question["boot_seconds"]
    booted = _cloud_init(deadline)
    while output(*STARTING) and time.monotonic() < deadline:
        time.sleep(0.1)
    with ThreadPoolExecutor(4) as threads:
        jail = threads.submit(_jail, min(deadline, time.monotonic() + JAIL_SECONDS))
        said = dict(
            zip(PROGRAMS, threads.map(lambda command: output(*command), PROGRAMS.values()), strict=True)
        )
        nobody = threads.submit(_metadata_as_nobody)
    return {
        **said,
        "jail": jail.result(),
        "cloud_init": booted,
        "metadata_as_nobody": nobody.result(),
        "audit_rules": "\n".join(
            path.read_text() for path in sorted(Path("/etc/audit/rules.d").glob("*.rules"))
        ),
        "sysctl": {name: _kernel_setting(name) for name in question["sysctl"]},
        "secret_modes": {path: _mode(Path(path)) for path in SECRETS if Path(path).exists()},
        "disk_used": _used("/"),
        "clock": time.time(),
    }


def _cloud_init(deadline: float) -> dict[str, Any]:
    """Wait for the boot to end."""
    while not RESULT.exists():
        if time.monotonic() > deadline:
            return {"finished": False, "errors": [], "stage": output("cloud-init", "status", "--long")}
        time.sleep(0.1)
    with suppress(OSError, ValueError, KeyError):
        return {"finished": True, "errors": json.loads(RESULT.read_text())["v1"]["errors"]}
    return {"finished": False, "errors": [], "stage": f"{RESULT} can't be read"}


def _jail(deadline: float) -> str:
    """What fail2ban says of its jail, once it has read its jails: its unit is active before."""
    while True:
        said = run("fail2ban-client", "status", "sshd")
        waits = said["code"] and output("systemctl", "is-active", "fail2ban") == "active"
        if not waits or time.monotonic() > deadline:
            return str(said["out"])
        time.sleep(0.1)


def _metadata_as_nobody() -> int:
    """The exit code of asking for the user-data as a user without rights: 0 is an answer."""
    command = ("curl", "--silent", "--max-time", "3", "--output", "/dev/null", METADATA)
    return int(run("setpriv", "--reuid=65534", "--clear-groups", *command)["code"])


def _kernel_setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return None


def _mode(path: Path) -> str:
    """Its permissions, in octal."""
    return f"{path.stat().st_mode & 0o777:o}"


def _used(path: str) -> float:
    """The used part of a file system, of its space or of its inodes, whichever is the greater."""
    space, files = shutil.disk_usage(path), os.statvfs(path)
    inodes = 1 - files.f_favail / files.f_files if files.f_files else 0.0
    return max(1 - space.free / space.total, inodes)
