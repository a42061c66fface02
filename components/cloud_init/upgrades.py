"""Unattended upgrades of security fixes, once a day, with a reboot at night where one is needed.

They reach a mirror only where a way to one exists: today no host has it (docs/flows.md).
"""

from components.cloud_init.part import File, Part

_PERIODIC = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
"""

_ORIGINS = """\
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Remove-Unused-Dependencies "true";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "03:30";
"""


def upgrades() -> Part:
    """The configuration is read at each run, so nothing needs to be restarted."""
    return Part(
        files=(
            File(path="/etc/apt/apt.conf.d/20auto-upgrades", content=_PERIODIC),
            File(path="/etc/apt/apt.conf.d/52tenantry", content=_ORIGINS),
        )
    )
