"""The modules of cloud-init that run at all.

Each one is imported and run by a Python interpreter at every boot: of Debian's thirty-odd, a host of ours
needs these. `scripts-vendor` is how DigitalOcean's own image installs what it needs.
"""

from components.cloud_init.part import Part

INIT = (
    "seed_random",
    "bootcmd",
    "write-files",
    "growpart",
    "resizefs",
    "set_hostname",
    "update_hostname",
    "users-groups",
    "ssh",
)
CONFIG = ("runcmd",)
FINAL = (
    "scripts-vendor",
    "scripts-per-once",
    "scripts-per-boot",
    "scripts-per-instance",
    "scripts-user",
    "final-message",
)


def modules() -> Part:
    """Not `locale` and `mounts` (nothing to set), nor `update_etc_hosts` and `set-passwords` (ours)."""
    return Part(
        config={
            "cloud_init_modules": list(INIT),
            "cloud_config_modules": list(CONFIG),
            "cloud_final_modules": list(FINAL),
        }
    )
